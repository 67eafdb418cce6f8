//! Segments that were put and never linked.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use crate::error::{Error, ErrorKind};
use crate::key::{Key, Prefix};
use crate::objects::{Head, Objects};

/// Nothing younger is removed from a bucket: clocks of machines differ, and a writer may have been asleep.
const AGE: Duration = Duration::from_hours(24);

/// Removes the segments of a shared store that no catalogue row links, that are a day old, and that no job which still runs
/// can have written: `running_since` is when the oldest attempt of those began. A folder's lock says nothing there, since
/// others write from other machines.
///
/// `linked` tells whether a segment is linked. Objects of other names are not ours and stay. Returns how many were removed.
///
/// # Errors
/// As listing and removing.
pub fn remove_unlinked(
    objects: &dyn Objects,
    linked: impl Fn(&str) -> bool,
    running_since: Option<SystemTime>,
    now: SystemTime,
) -> Result<usize, Error> {
    let is_old = |head: &Head| {
        let age = now.duration_since(head.put_at).unwrap_or_default();
        age >= AGE && running_since.is_none_or(|since| head.put_at < since)
    };
    let mut removed = 0;
    for (name, head) in unlinked(objects, linked)? {
        let key = Key::Segment(name);
        // One that was put again while the list was read is somebody's work.
        if is_old(&head) && still(objects, &key, is_old)? {
            objects.delete(&key)?;
            removed += 1;
        }
    }
    Ok(removed)
}

fn still(objects: &dyn Objects, key: &Key, is_old: impl Fn(&Head) -> bool) -> Result<bool, Error> {
    match objects.head(key) {
        Ok(head) => Ok(is_old(&head)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// The segments of a store, by name.
///
/// # Errors
/// As listing.
pub fn list_segments(objects: &dyn Objects) -> Result<BTreeMap<String, Head>, Error> {
    let listed = objects.list(&Prefix::Segments)?.into_iter();
    Ok(listed
        .filter_map(|listed| Some((segment(&listed.name)?.to_owned(), listed.head)))
        .collect())
}

/// Those that are not linked.
pub(crate) fn unlinked(objects: &dyn Objects, linked: impl Fn(&str) -> bool) -> Result<BTreeMap<String, Head>, Error> {
    let mut segments = list_segments(objects)?;
    segments.retain(|name, _| !linked(name));
    Ok(segments)
}

/// The segment that an object of that name is.
fn segment(name: &str) -> Option<&str> {
    let name = name.strip_suffix(".parquet")?;
    (name.len() == 32 && name.bytes().all(|byte| byte.is_ascii_hexdigit())).then_some(name)
}

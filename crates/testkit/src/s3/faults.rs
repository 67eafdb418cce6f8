//! What a test wants to go wrong.

use std::time::Duration;

/// The faults that are to come.
#[derive(Debug, Default)]
pub(super) struct Faults {
    /// How many requests will be answered with 503.
    pub(super) refused: u32,
    /// How long every request waits.
    pub(super) delay: Duration,
    /// Of the next upload, the bytes after which its connection is closed.
    pub(super) cut_upload: Option<u64>,
    /// Of the next download, the same.
    pub(super) cut_download: Option<u64>,
}

/// What befalls one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fate {
    pub(super) is_refused: bool,
    pub(super) delay: Duration,
    pub(super) cut_upload: Option<u64>,
    pub(super) cut_download: Option<u64>,
}

impl Faults {
    /// Takes the faults of the next request.
    pub(super) fn next(&mut self, has_body: bool, is_get: bool) -> Fate {
        let cut_upload = if has_body { self.cut_upload.take() } else { None };
        let is_refused = cut_upload.is_none() && self.refused > 0;
        self.refused -= u32::from(is_refused);
        let cut_download = if is_get && !is_refused {
            self.cut_download.take()
        } else {
            None
        };
        Fate {
            is_refused,
            delay: self.delay,
            cut_upload,
            cut_download,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_takes_the_faults_of_its_kind_and_leaves_the_others() {
        let mut faults = Faults {
            refused: 1,
            cut_upload: Some(7),
            cut_download: Some(9),
            ..Faults::default()
        };
        let fate = |is_refused, cut_upload, cut_download| Fate {
            is_refused,
            delay: Duration::ZERO,
            cut_upload,
            cut_download,
        };
        assert_eq!(faults.next(false, true), fate(true, None, None));
        assert_eq!(faults.next(false, false), fate(false, None, None));
        assert_eq!(faults.next(false, true), fate(false, None, Some(9)));
        assert_eq!(faults.next(true, false), fate(false, Some(7), None));
        assert_eq!(faults.next(true, true), fate(false, None, None));
    }
}

//! Files of one crate that import each other in a circle: none of them can be read, tested or moved without the others.
//!
//! An edge goes from the file that names an item to the file that defines it, through re-exports. There is one exception: a
//! module may use what the file of a module above it defines, for a room may use what its house provides. Test code is not
//! looked at.

mod modules;
mod paths;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::cargo::Package;
use modules::{Crate, Place};

/// From a file to the files that it uses, with the names that it takes.
type Uses = BTreeMap<usize, BTreeMap<usize, BTreeSet<String>>>;

/// The circles of the chosen members of the workspace.
pub(crate) fn check(root: &Path, members: &[&Package]) -> anyhow::Result<Vec<String>> {
    let mut findings = Vec::new();
    for member in members {
        for start in ["src/lib.rs", "src/main.rs"].map(|file| member.folder().join(file)) {
            if start.is_file() {
                findings.extend(circles(&Crate::read(&start)?, root));
            }
        }
    }
    Ok(findings)
}

/// Each circle of a crate as text: its files and the names that tie them.
fn circles(of: &Crate, root: &Path) -> Vec<String> {
    let uses = uses(of);
    let shown = |file: usize| of.files[file].strip_prefix(root).unwrap_or(&of.files[file]).display();
    let mut findings = Vec::new();
    for circle in strongly_connected(&uses) {
        let mut text = format!("{} files import each other in a circle", circle.len());
        for (from, used) in uses.iter().filter(|(from, _)| circle.contains(from)) {
            for (to, names) in used.iter().filter(|(to, _)| circle.contains(to)) {
                let names: Vec<&str> = names.iter().map(String::as_str).collect();
                text += &format!("\n  {} -> {}: {}", shown(*from), shown(*to), names.join(", "));
            }
        }
        findings.push(text);
    }
    findings
}

fn uses(of: &Crate) -> Uses {
    let mut uses = Uses::new();
    for (module, from) in of.modules() {
        let above = of.files_above(module);
        for path in of.paths(module) {
            let (to, name) = match of.resolve(module, path) {
                Some(Place::Item { module, name }) => (of.file(module), name),
                Some(Place::All(module)) => (of.file(module), "*".to_owned()),
                Some(Place::Module(_)) | None => continue,
            };
            if to != from && !above.contains(&to) {
                uses.entry(from).or_default().entry(to).or_default().insert(name);
            }
        }
    }
    uses
}

/// The sets of two or more files that all reach each other.
fn strongly_connected(uses: &Uses) -> Vec<BTreeSet<usize>> {
    let reached: BTreeMap<usize, BTreeSet<usize>> = uses.keys().map(|&file| (file, reached_from(uses, file))).collect();
    let reaches = |from: usize, to: usize| reached.get(&from).is_some_and(|reached| reached.contains(&to));
    let mut circles: Vec<BTreeSet<usize>> = Vec::new();
    for &file in uses.keys() {
        let circle: BTreeSet<usize> = uses
            .keys()
            .copied()
            .filter(|&other| reaches(file, other) && reaches(other, file))
            .collect();
        if !circle.is_empty() && !circles.contains(&circle) {
            circles.push(circle);
        }
    }
    circles
}

fn reached_from(uses: &Uses, start: usize) -> BTreeSet<usize> {
    let mut reached = BTreeSet::new();
    let mut waiting = vec![start];
    while let Some(file) = waiting.pop() {
        for &next in uses.get(&file).into_iter().flat_map(BTreeMap::keys) {
            if reached.insert(next) {
                waiting.push(next);
            }
        }
    }
    reached
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// Checks a crate made of files such as `("a/b.rs", "use crate::c::C;")`; its root is `lib.rs`.
    fn check(files: &[(&str, &str)], expected: &[&str]) {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let read = Crate::read(&folder.path().join("lib.rs")).unwrap();
        assert_eq!(circles(&read, folder.path()), expected, "{files:?}");
    }

    const LIB: (&str, &str) = ("lib.rs", "mod a; mod b;");
    const CIRCLE: &str = "2 files import each other in a circle\n  a.rs -> b.rs: B\n  b.rs -> a.rs: A";

    #[test]
    fn two_files_that_use_each_other_are_a_circle() {
        check(
            &[LIB, ("a.rs", "use crate::b::B;"), ("b.rs", "use super::a::A;")],
            &[CIRCLE],
        );
        check(
            &[
                LIB,
                ("a.rs", "fn f(b: crate::b::B) {}"),
                ("b.rs", "use crate::a; fn f() { a::A::new() }"),
            ],
            &[CIRCLE],
        );
        check(
            &[
                LIB,
                ("a.rs", "fn f() { use crate::{b::{self, B}}; }"),
                ("b.rs", "type X = super::a::A<u8>;"),
            ],
            &[CIRCLE],
        );
        check(&[LIB, ("a.rs", "use crate::b::B;"), ("b.rs", "pub struct B;")], &[]);
    }

    #[test]
    fn a_longer_circle_is_told_with_all_its_ties() {
        check(
            &[
                ("lib.rs", "mod a; mod b; mod c; mod d;"),
                ("a.rs", "use crate::b::{B, other};"),
                ("b.rs", "use crate::c::*;"),
                ("c.rs", "fn f() { crate::a::run() } use crate::d::D;"),
                ("d.rs", "pub struct D;"),
            ],
            &[
                "3 files import each other in a circle\n  a.rs -> b.rs: B, other\n  b.rs -> c.rs: *\n  c.rs -> a.rs: run",
            ],
        );
    }

    #[test]
    fn re_exports_are_followed_to_the_file_that_defines() {
        let lib = ("lib.rs", "mod a; mod b; pub use a::A; pub use b::B as Other;");
        check(
            &[lib, ("a.rs", "use crate::Other;"), ("b.rs", "use crate::A;")],
            &[CIRCLE],
        );
        let lib = ("lib.rs", "mod a; mod b; pub use a::*;");
        check(
            &[
                lib,
                ("a.rs", "use crate::b::B; pub struct A;"),
                ("b.rs", "use crate::A;"),
            ],
            &[CIRCLE],
        );
        // What comes from elsewhere is nobody's here.
        check(
            &[
                LIB,
                ("a.rs", "use url::Url; use crate::b::B;"),
                ("b.rs", "use url::Url;"),
            ],
            &[],
        );
    }

    #[test]
    fn a_room_may_use_its_house_but_not_the_house_its_room_and_the_room_another_that_uses_the_house() {
        let files = [
            ("lib.rs", "mod a;"),
            ("a.rs", "mod b; use b::B; pub struct A;"),
            ("a/b.rs", "use super::A;"),
        ];
        check(&files, &[]);
        check(
            &[
                ("lib.rs", "mod a; mod c;"),
                ("a.rs", "mod b; fn f() { b::run() } pub struct A;"),
                ("a/b.rs", "use crate::c::C;"),
                ("c.rs", "use crate::a::A;"),
            ],
            &["3 files import each other in a circle\n  a.rs -> a/b.rs: run\n  a/b.rs -> c.rs: C\n  c.rs -> a.rs: A"],
        );
    }

    #[test]
    fn tests_inline_modules_and_macros_are_read_as_what_they_are() {
        let test = "#[cfg(test)]\nmod tests { use crate::a::A; }";
        check(&[LIB, ("a.rs", "use crate::b::B;"), ("b.rs", test)], &[]);
        check(
            &[LIB, ("a.rs", "use crate::b::B; #[cfg(test)] mod tests;"), ("b.rs", "")],
            &[],
        );
        let inline = "mod inside { use crate::a::A; } pub struct B;";
        check(&[LIB, ("a.rs", "use crate::b::B;"), ("b.rs", inline)], &[CIRCLE]);
        let made = ("lib.rs", "#[macro_use] mod a; mod b;");
        let expected = "2 files import each other in a circle\n  a.rs -> b.rs: B\n  b.rs -> a.rs: make!";
        check(
            &[
                made,
                ("a.rs", "macro_rules! make { () => { $crate::b::B } }"),
                ("b.rs", "make!();"),
            ],
            &[expected],
        );
        let stated = ("lib.rs", "mod a; #[path = \"elsewhere/c.rs\"] pub mod b;");
        let files = [
            stated,
            ("a.rs", "use crate::b::B;"),
            ("elsewhere/c.rs", "mod d; use crate::a::A;"),
            ("elsewhere/d.rs", ""),
        ];
        let expected =
            "2 files import each other in a circle\n  a.rs -> elsewhere/c.rs: B\n  elsewhere/c.rs -> a.rs: A";
        check(&files, &[expected]);
        check(
            &[
                LIB,
                ("a.rs", "pub(in crate::b) struct A; pub(super) fn f() {}"),
                ("b.rs", "use crate::a::A;"),
            ],
            &[],
        );
    }
}

//! Which files of a repository a file uses, by simple rules for each language, and an order in which none is used before
//! it was shown.

use std::collections::{BTreeMap, BTreeSet};

use crate::document::Document;

/// The most lines of a file that are searched for imports.
const MAX_LINES: usize = 2000;
/// The most imports of a file that are followed.
const MAX_IMPORTS: usize = 256;
/// The most files of one name that are compared with an import.
const MAX_NAMESAKES: usize = 64;
/// The most files that one import of a whole folder stands for.
const MAX_FOLDER_FILES: usize = 16;

/// What an import names, as the folders and the file of a path without ending.
type Wanted = Vec<String>;

/// Puts the files of a repository in an order in which a file comes after those that it imports. The result has every
/// place of `files` once. Files in a circle come in the order of their paths, from the first that was reached.
pub(crate) fn dependency_order(files: &[Document]) -> Vec<usize> {
    let names = Names::of(files);
    let uses: Vec<BTreeSet<usize>> = (0..files.len()).map(|file| names.used_by(file, &files[file])).collect();
    let mut order = Vec::with_capacity(files.len());
    let mut reached = vec![false; files.len()];
    for first in 0..files.len() {
        if std::mem::replace(&mut reached[first], true) {
            continue;
        }
        // Depth first, each file after all that it uses; one that was reached before is a circle, or done.
        let mut path = vec![(first, uses[first].iter())];
        while let Some((file, rest)) = path.last_mut() {
            match rest.next() {
                Some(&used) if std::mem::replace(&mut reached[used], true) => {}
                Some(&used) => path.push((used, uses[used].iter())),
                None => {
                    order.push(*file);
                    path.pop();
                }
            }
        }
    }
    order
}

/// The files of a repository, to be found by the names that imports use.
struct Names {
    /// The path of each file in folders, without the ending of the file and without a name that stands for its folder.
    paths: Vec<Vec<String>>,
    by_last: BTreeMap<String, Vec<usize>>,
    by_folder: BTreeMap<String, Vec<usize>>,
}

impl Names {
    fn of(files: &[Document]) -> Self {
        let paths: Vec<Vec<String>> = files.iter().map(|file| module_path(&file.path)).collect();
        let mut by_last: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        let mut by_folder: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (file, path) in paths.iter().enumerate() {
            if let Some(last) = path.last() {
                by_last.entry(last.clone()).or_default().push(file);
            }
            if let Some(folder) = files[file].path.rsplit('/').nth(1) {
                by_folder.entry(folder.to_owned()).or_default().push(file);
            }
        }
        Self {
            paths,
            by_last,
            by_folder,
        }
    }

    /// The files that one file imports, itself not.
    fn used_by(&self, file: usize, document: &Document) -> BTreeSet<usize> {
        let mut used = BTreeSet::new();
        for wanted in imports(document).into_iter().take(MAX_IMPORTS) {
            used.extend(self.find(file, &wanted, document));
        }
        used.remove(&file);
        used
    }

    fn find(&self, from: usize, wanted: &[String], document: &Document) -> Vec<usize> {
        let Some(last) = wanted.last() else {
            return Vec::new();
        };
        if document.language.as_str() == "Go" {
            return self.folder(wanted, last, document);
        }
        let namesakes = self.by_last.get(last).into_iter().flatten().take(MAX_NAMESAKES);
        let best = namesakes
            .filter(|&&file| file != from)
            .map(|&file| (self.agreement(file, wanted), self.shared(file, from), file))
            .filter(|&(agreement, _, _)| agreement == wanted.len())
            .max_by_key(|&(_, shared, file)| (shared, std::cmp::Reverse(file)));
        best.map(|(_, _, file)| file).into_iter().collect()
    }

    /// The Go files of an imported folder.
    fn folder(&self, wanted: &[String], last: &str, document: &Document) -> Vec<usize> {
        let files = self.by_folder.get(last).into_iter().flatten();
        files
            .copied()
            .filter(|&file| {
                let folders = &self.paths[file][..self.paths[file].len().saturating_sub(1)];
                !folders.is_empty() && wanted.ends_with(folders)
            })
            .filter(|_| document.path.contains('.'))
            .take(MAX_FOLDER_FILES)
            .collect()
    }

    /// How many names at the end of a path are those that are wanted.
    fn agreement(&self, file: usize, wanted: &[String]) -> usize {
        let pairs = self.paths[file].iter().rev().zip(wanted.iter().rev());
        pairs.take_while(|(have, want)| have == want).count()
    }

    /// How many folders two files share from the root on.
    fn shared(&self, one: usize, other: usize) -> usize {
        let pairs = self.paths[one].iter().zip(&self.paths[other]);
        pairs.take_while(|(a, b)| a == b).count()
    }
}

/// A path in its parts, without the ending and without `mod`, `lib`, `__init__` and `index`, which stand for the folder.
fn module_path(path: &str) -> Vec<String> {
    let mut parts: Vec<String> = path.split('/').map(str::to_owned).collect();
    if let Some(last) = parts.pop() {
        let stem = last.split('.').next().unwrap_or_default();
        if !matches!(stem, "mod" | "lib" | "__init__" | "index") || parts.is_empty() {
            parts.push(stem.to_owned());
        }
    }
    parts
}

/// What a file imports, in the order of its lines.
fn imports(document: &Document) -> Vec<Wanted> {
    let folder: Vec<String> = match document.path.rsplit_once('/') {
        Some((folder, _)) => folder.split('/').map(str::to_owned).collect(),
        None => Vec::new(),
    };
    let lines = document.text.lines().take(MAX_LINES).map(str::trim);
    let import: fn(&str, &[String]) -> Option<Wanted> = match document.language.as_str() {
        "C" | "C++" => c_include,
        "Go" => go_import,
        "Java" | "Kotlin" | "Scala" => java_import,
        "JavaScript" | "TypeScript" | "TSX" => script_import,
        "Python" => python_import,
        "Rust" => rust_import,
        _ => return Vec::new(),
    };
    let mut seen = BTreeSet::new();
    lines
        .filter_map(|line| import(line, &folder))
        .filter(|wanted| seen.insert(wanted.clone()))
        .collect()
}

/// `#include "a/b.h"`: the path, from wherever it is searched.
fn c_include(line: &str, folder: &[String]) -> Option<Wanted> {
    let rest = line
        .strip_prefix('#')?
        .trim_start()
        .strip_prefix("include")?
        .trim_start();
    let path = rest.strip_prefix('"')?.split('"').next()?;
    Some(if path.starts_with('.') {
        joined(folder, path)
    } else {
        module_path(path)
    })
}

/// `import "host/module/folder"`, or such a line in `import (…)`.
fn go_import(line: &str, _: &[String]) -> Option<Wanted> {
    let quoted = line.strip_suffix('"')?;
    let (before, path) = quoted.rsplit_once('"')?;
    let before = before.trim().trim_start_matches("import").trim();
    let is_name = before.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '.');
    (is_name && path.contains('/')).then(|| path.split('/').map(str::to_owned).collect())
}

/// `import a.b.C;` and `import static a.b.C.d;`, whose last name that is written large is a file.
fn java_import(line: &str, _: &[String]) -> Option<Wanted> {
    let path = line.strip_prefix("import ")?.trim_end_matches(';').trim();
    let path = path.strip_prefix("static ").unwrap_or(path);
    let mut wanted: Wanted = path.split('.').map(|part| part.trim().to_owned()).collect();
    let is_class = |part: &String| part.chars().next().is_some_and(char::is_uppercase);
    let class = wanted.iter().position(is_class)?;
    wanted.truncate(class + 1);
    Some(wanted)
}

/// `… from './a'`, `import './a'`, `require('./a')`: only what is near, since packages are elsewhere.
fn script_import(line: &str, folder: &[String]) -> Option<Wanted> {
    let marks = ["from ", "import ", "require(", "import("];
    let rest = marks.iter().find_map(|mark| line.rsplit_once(mark))?.1.trim_start();
    let quote = rest.chars().next().filter(|mark| matches!(mark, '\'' | '"' | '`'))?;
    let path = rest[1..].split(quote).next()?;
    path.starts_with('.').then(|| joined(folder, path))
}

/// `import a.b`, `from a.b import c`, `from .b import c`.
fn python_import(line: &str, folder: &[String]) -> Option<Wanted> {
    let (path, name) = if let Some(rest) = line.strip_prefix("from ") {
        let (path, names) = rest.split_once(" import ")?;
        (path.trim(), names.split([',', ' ', '(']).find(|name| !name.is_empty()))
    } else {
        (line.strip_prefix("import ")?.split([',', ' ']).next()?, None)
    };
    let dots = path.bytes().take_while(|&byte| byte == b'.').count();
    let mut wanted: Wanted = match dots {
        0 => Vec::new(),
        _ => folder[..folder.len().saturating_sub(dots - 1)].to_vec(),
    };
    wanted.extend(
        path[dots..]
            .split('.')
            .filter(|part| !part.is_empty())
            .map(str::to_owned),
    );
    if path.len() == dots {
        wanted.extend(name.map(str::to_owned));
    }
    Some(wanted)
}

/// `mod a;`, `use crate::a::b…`, `use super::a`: the module, with what is named in it left away.
fn rust_import(line: &str, folder: &[String]) -> Option<Wanted> {
    let line = line.strip_prefix("pub ").unwrap_or(line);
    if let Some(name) = line.strip_prefix("mod ").and_then(|rest| rest.strip_suffix(';')) {
        return Some(vec![name.trim().to_owned()]);
    }
    let path = line.strip_prefix("use ")?;
    let mut wanted: Wanted = Vec::new();
    let mut parts = path.split("::").map(str::trim);
    match parts.next()? {
        "crate" => {}
        "super" => wanted.extend(folder.last().filter(|name| *name != "src").cloned()),
        _ => return None,
    }
    let is_module = |part: &&str| {
        part.bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte == b'_' || byte.is_ascii_digit())
    };
    wanted.extend(parts.take_while(is_module).map(str::to_owned));
    // `use crate::a::f;` names a function of module `a`, whose part still has its semicolon here.
    (!wanted.is_empty()).then_some(wanted)
}

/// A path from a folder, with `.` and `..` worked out.
fn joined(folder: &[String], path: &str) -> Wanted {
    let mut wanted = folder.to_vec();
    for part in path.split('/') {
        match part {
            "." | "" => {}
            ".." => {
                wanted.pop();
            }
            part => wanted.push(part.to_owned()),
        }
    }
    module_path(&wanted.join("/"))
}

#[cfg(test)]
mod tests {
    use codelupe_core::Language;

    use super::*;

    fn check(language: &'static str, files: &[(&str, &str)], expected: &[&str]) {
        let documents: Vec<Document> = files
            .iter()
            .map(|&(path, text)| Document {
                repository: "r".to_owned(),
                path: path.to_owned(),
                language: Language::known(language),
                text: text.to_owned(),
            })
            .collect();
        let order: Vec<&str> = dependency_order(&documents)
            .into_iter()
            .map(|file| documents[file].path.as_str())
            .collect();
        assert_eq!(order, expected, "{language}");
    }

    #[test]
    fn what_is_imported_comes_first() {
        check(
            "C",
            &[("a.c", "#include \"lib/z.h\"\n"), ("lib/z.h", "# include <stdio.h>\n")],
            &["lib/z.h", "a.c"],
        );
        check(
            "Go",
            &[
                ("a/a.go", "import (\n\t\"fmt\"\n\tz \"example.org/m/pkg/z\"\n)\n"),
                ("pkg/z/one.go", ""),
                ("z/no.go", ""),
            ],
            &["pkg/z/one.go", "z/no.go", "a/a.go"],
        );
        check(
            "Java",
            &[
                ("src/p/A.java", "import static p.q.Z.run;\n"),
                ("src/p/q/Z.java", "import java.util.List;\n"),
            ],
            &["src/p/q/Z.java", "src/p/A.java"],
        );
        check(
            "TypeScript",
            &[
                ("a/b.ts", "import { z } from '../z';\n"),
                ("a/c.ts", "export * from './y/index.js'\n"),
                ("a/y/index.ts", ""),
                ("z.ts", ""),
            ],
            &["z.ts", "a/b.ts", "a/y/index.ts", "a/c.ts"],
        );
        check(
            "Python",
            &[
                ("p/__init__.py", "from .z import f\n"),
                ("p/a.py", "from . import y\nimport p.z as z\n"),
                ("p/y.py", ""),
                ("p/z.py", ""),
            ],
            &["p/z.py", "p/__init__.py", "p/y.py", "p/a.py"],
        );
        check(
            "Rust",
            &[
                ("src/a.rs", "use crate::z::deep::Thing;\n"),
                ("src/lib.rs", "mod a;\npub mod z;\n"),
                ("src/z/deep.rs", "use std::fs;\n"),
                ("src/z/mod.rs", "mod deep;\n"),
            ],
            &["src/z/deep.rs", "src/a.rs", "src/z/mod.rs", "src/lib.rs"],
        );
    }

    #[test]
    fn a_circle_is_cut_and_every_file_comes_once() {
        check(
            "Python",
            &[
                ("a.py", "import b\n"),
                ("b.py", "import c\n"),
                ("c.py", "import a\n"),
                ("d.py", "import d\n"),
            ],
            &["c.py", "b.py", "a.py", "d.py"],
        );
    }

    #[test]
    fn the_nearest_of_several_namesakes_is_taken() {
        check(
            "C",
            &[
                ("x/a.c", "#include \"z.h\"\n"),
                ("y/z.h", "#include \"only_y.h\"\n"),
                ("x/z.h", ""),
            ],
            &["x/z.h", "x/a.c", "y/z.h"],
        );
    }

    #[test]
    fn a_chain_as_long_as_the_repository_is_walked_without_recursion() {
        let files: Vec<(String, String)> = (0..20_000)
            .map(|n| (format!("m{n}.py"), format!("import m{}\n", n + 1)))
            .collect();
        let documents: Vec<Document> = files
            .into_iter()
            .map(|(path, text)| Document {
                repository: "r".to_owned(),
                path,
                language: Language::known("Python"),
                text,
            })
            .collect();
        let order = dependency_order(&documents);
        assert_eq!(order.len(), 20_000);
        assert_eq!(order[0], 19_999);
    }
}

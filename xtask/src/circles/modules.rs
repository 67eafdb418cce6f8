//! The modules of one crate, what each defines, brings in and names, and where a path leads.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path as FilePath, PathBuf};

use anyhow::Context;
use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

use super::paths::{Import, Path, imports, is, is_visibility, path};
use crate::source::{tokens, without_tests};

/// Re-exports are followed this far; whoever imports itself gets no further.
const MAX_STEPS: usize = 24;

/// Words after which a name is defined.
const DEFINING: [&str; 9] = [
    "fn", "struct", "enum", "trait", "type", "union", "const", "static", "macro",
];

/// One crate, from its root file on.
#[derive(Debug, Default)]
pub(super) struct Crate {
    pub(super) files: Vec<PathBuf>,
    modules: Vec<Module>,
    /// Where each `macro_rules!` stands.
    macros: BTreeMap<String, usize>,
}

/// A file, or an inline module of one.
#[derive(Debug, Default)]
struct Module {
    file: usize,
    parent: Option<usize>,
    children: BTreeMap<String, usize>,
    items: BTreeSet<String>,
    imports: BTreeMap<String, Path>,
    globs: Vec<Path>,
    /// All that it names: paths, what a `use` brings in (a last `*` for all of a module), macros as `name!`.
    paths: BTreeSet<Path>,
}

/// Where a path leads.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Place {
    Module(usize),
    /// Everything in a module.
    All(usize),
    Item {
        /// The module that defines it, or brings it in from another crate.
        module: usize,
        name: String,
    },
}

impl Crate {
    /// Reads the file and those of its modules.
    pub(super) fn read(root: &FilePath) -> anyhow::Result<Self> {
        let mut read = Self::default();
        let folder = root.parent().unwrap_or(root);
        read.file_module(root, folder, None)?;
        Ok(read)
    }

    /// Each module with its file.
    pub(super) fn modules(&self) -> impl Iterator<Item = (usize, usize)> {
        self.modules.iter().map(|module| module.file).enumerate()
    }

    pub(super) fn file(&self, module: usize) -> usize {
        self.modules[module].file
    }

    pub(super) fn paths(&self, module: usize) -> &BTreeSet<Path> {
        &self.modules[module].paths
    }

    /// The files of the modules above one.
    pub(super) fn files_above(&self, module: usize) -> BTreeSet<usize> {
        let parents = std::iter::successors(self.modules[module].parent, |&above| self.modules[above].parent);
        parents.map(|above| self.file(above)).collect()
    }

    /// Where a path that is named in a module leads; none when it leaves the crate.
    pub(super) fn resolve(&self, from: usize, path: &Path) -> Option<Place> {
        match path.as_slice() {
            [all @ .., last] if last == "*" => match self.follow(from, all, MAX_STEPS)? {
                Place::Module(module) => Some(Place::All(module)),
                item => Some(item),
            },
            [name] if name.ends_with('!') => Some(Place::Item {
                module: *self.macros.get(name.trim_end_matches('!'))?,
                name: name.clone(),
            }),
            all => self.follow(from, all, MAX_STEPS),
        }
    }

    fn follow(&self, from: usize, path: &[String], steps: usize) -> Option<Place> {
        let (first, rest) = path.split_first()?;
        let steps = steps.checked_sub(1)?;
        let start = match first.as_str() {
            "crate" => Place::Module(0),
            "self" => Place::Module(from),
            "super" => Place::Module(self.modules[from].parent?),
            _ => self.lookup(from, first, rest.is_empty(), steps)?,
        };
        rest.iter()
            .enumerate()
            .try_fold(start, |place, (at, name)| match place {
                Place::Module(module) if name == "super" => Some(Place::Module(self.modules[module].parent?)),
                Place::Module(module) => {
                    let found = self.lookup(module, name, at + 1 == rest.len(), steps);
                    let name = name.clone();
                    Some(found.unwrap_or(Place::Item { module, name }))
                }
                // What is inside an item, a variant or a function of a type, belongs to the item.
                item => Some(item),
            })
    }

    /// What a name means in a module. As the last of a path it is rather the function `merge` than the module `merge`.
    fn lookup(&self, module: usize, name: &str, is_last: bool, steps: usize) -> Option<Place> {
        let known = &self.modules[module];
        let child = known.children.get(name).map(|&child| Place::Module(child));
        let imported = || self.follow(module, known.imports.get(name)?, steps);
        let own = || {
            let name = name.to_owned();
            known.items.contains(&name).then_some(Place::Item { module, name })
        };
        let found = match is_last {
            true => own().or_else(imported).or(child),
            false => child.or_else(imported).or_else(own),
        };
        found.or_else(|| {
            let mut globs = known.globs.iter().filter_map(|glob| self.follow(module, glob, steps));
            globs.find_map(|place| match place {
                Place::Module(all) if all != module => self.lookup(all, name, is_last, steps.checked_sub(1)?),
                _ => None,
            })
        })
    }

    /// Reads a file as a module whose children stand in `folder`.
    fn file_module(&mut self, path: &FilePath, folder: &FilePath, parent: Option<usize>) -> anyhow::Result<usize> {
        let shown = || path.display().to_string();
        let text = fs::read_to_string(path).with_context(shown)?;
        let file = self.files.len();
        self.files.push(path.to_owned());
        self.module(tokens(&text).with_context(shown)?, file, folder, parent)
    }

    fn module(
        &mut self,
        stream: TokenStream,
        file: usize,
        folder: &FilePath,
        parent: Option<usize>,
    ) -> anyhow::Result<usize> {
        let at = self.modules.len();
        self.modules.push(Module {
            file,
            parent,
            ..Module::default()
        });
        self.read_tokens(stream, at, folder, true)?;
        Ok(at)
    }

    /// Notes what a piece of a module says; `is_top` tells whether the items in it are those of the module.
    fn read_tokens(
        &mut self,
        stream: TokenStream,
        module: usize,
        folder: &FilePath,
        is_top: bool,
    ) -> anyhow::Result<()> {
        let trees = without_tests(stream);
        let mut at = 0;
        while at < trees.len() {
            match &trees[at] {
                TokenTree::Ident(word) if word == "mod" => at += self.child(&trees, at, module, folder)?,
                TokenTree::Ident(word) if word == "use" => {
                    let (found, length) = imports(&trees[at + 1..]);
                    found
                        .into_iter()
                        .for_each(|import| self.modules[module].bring_in(import));
                    at += length;
                }
                TokenTree::Ident(word) if word == "macro_rules" => {
                    if let Some(TokenTree::Ident(name)) = trees.get(at + 2) {
                        self.macros.insert(name.to_string(), module);
                    }
                }
                TokenTree::Ident(word) => {
                    if is_top && DEFINING.iter().any(|known| word == known) {
                        let name = trees.get(at + 1).map(ToString::to_string);
                        self.modules[module].items.extend(name);
                    }
                    at += self.name(&trees, at, module);
                    continue;
                }
                TokenTree::Group(group) if !says_for_whom(&trees, at, group) => {
                    self.read_tokens(group.stream(), module, folder, false)?;
                }
                _ => {}
            }
            at += 1;
        }
        Ok(())
    }

    /// Notes the path at `at` and says how many tokens it has.
    fn name(&mut self, trees: &[TokenTree], at: usize, module: usize) -> usize {
        let Some((mut path, length)) = path(trees, at) else {
            return 1;
        };
        let is_call = trees.get(at + length).is_some_and(|tree| is(tree, '!'));
        match path.as_mut_slice() {
            [name] if is_call => name.push('!'),
            [_] => return length,
            _ => {}
        }
        self.modules[module].paths.insert(path);
        length
    }

    /// Reads the module whose `mod` is at `at`, and says how many of the tokens after it belong to it.
    fn child(&mut self, trees: &[TokenTree], at: usize, module: usize, folder: &FilePath) -> anyhow::Result<usize> {
        let [TokenTree::Ident(name), after, ..] = &trees[at + 1..] else {
            return Ok(0);
        };
        let name = name.to_string();
        let below = folder.join(&name);
        let child = match after {
            TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => {
                self.module(group.stream(), self.file(module), &below, Some(module))?
            }
            after if is(after, ';') => match stated_path(&trees[..at]) {
                Some(stated) => {
                    let path = self.files[self.file(module)].with_file_name(stated);
                    self.file_module(&path, path.parent().unwrap_or(folder), Some(module))?
                }
                None => {
                    let beside = folder.join(format!("{name}.rs"));
                    let path = if beside.is_file() { beside } else { below.join("mod.rs") };
                    self.file_module(&path, &below, Some(module))?
                }
            },
            _ => return Ok(0),
        };
        self.modules[module].children.insert(name, child);
        Ok(2)
    }
}

impl Module {
    fn bring_in(&mut self, import: Import) {
        let mut path = import.path.clone();
        match import.name {
            Some(name) => drop(self.imports.insert(name, import.path)),
            None => {
                path.push("*".to_owned());
                self.globs.push(import.path);
            }
        }
        self.paths.insert(path);
    }
}

/// Whether a group after `pub` is no more than a visibility.
fn says_for_whom(trees: &[TokenTree], at: usize, group: &Group) -> bool {
    let after_pub = at > 0 && matches!(&trees[at - 1], TokenTree::Ident(word) if word == "pub");
    after_pub && is_visibility(group)
}

/// The file that `#[path = "…"]` states for the item that begins with, or after, the last of the tokens.
fn stated_path(before: &[TokenTree]) -> Option<String> {
    let ends_item = |tree: &&TokenTree| match tree {
        TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
        other => is(other, ';'),
    };
    let own = before.iter().rev().take_while(|tree| !ends_item(tree));
    own.filter_map(|tree| match tree {
        TokenTree::Group(group) if group.delimiter() == Delimiter::Bracket => Some(group.stream()),
        _ => None,
    })
    .find_map(|attribute| match attribute.into_iter().collect::<Vec<_>>().as_slice() {
        [TokenTree::Ident(word), equals, TokenTree::Literal(stated)] if word == "path" && is(equals, '=') => {
            Some(stated.to_string().trim_matches('"').to_owned())
        }
        _ => None,
    })
}

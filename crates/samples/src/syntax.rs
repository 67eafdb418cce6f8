//! Functions and their descriptions, by tree-sitter.

use std::ops::{ControlFlow, Range};
use std::time::{Duration, Instant};

use codelupe_core::Language;
use tree_sitter::{Node, ParseOptions, ParseState, Parser, Tree, TreeCursor};

/// The longest text that is parsed, in bytes; longer files are mostly data or generated.
pub(crate) const MAX_PARSED_BYTES: usize = 128 << 10;

/// The longest that one text is parsed. 128 KiB take about 20 ms.
const MAX_TIME: Duration = Duration::from_millis(500);

/// The most nodes of a tree that are looked at, and how deep.
const MAX_NODES: usize = 200_000;
const MAX_DEPTH: usize = 256;

/// A grammar, and the names that it has for what is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Grammar {
    C,
    Cpp,
    Go,
    Java,
    JavaScript,
    Python,
    Rust,
    TypeScript,
    Tsx,
}

/// A function with what is written about it. All ranges are bytes of the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DocumentedFunction {
    /// The comment or docstring, with its marks.
    pub(crate) description: Range<usize>,
    /// The whole function, from the first attribute or decorator on.
    pub(crate) function: Range<usize>,
    /// Its name.
    pub(crate) name: Range<usize>,
    /// Where its body begins; before it stands its signature.
    pub(crate) body: usize,
}

impl Grammar {
    /// The grammar of a language, if there is one.
    pub(crate) fn of(language: &Language) -> Option<Self> {
        Some(match language.as_str() {
            "C" => Self::C,
            "C++" => Self::Cpp,
            "Go" => Self::Go,
            "Java" => Self::Java,
            "JavaScript" => Self::JavaScript,
            "Python" => Self::Python,
            "Rust" => Self::Rust,
            "TypeScript" => Self::TypeScript,
            "TSX" => Self::Tsx,
            _ => return None,
        })
    }

    fn language(self) -> tree_sitter::Language {
        match self {
            Self::C => tree_sitter_c::LANGUAGE.into(),
            Self::Cpp => tree_sitter_cpp::LANGUAGE.into(),
            Self::Go => tree_sitter_go::LANGUAGE.into(),
            Self::Java => tree_sitter_java::LANGUAGE.into(),
            Self::JavaScript => tree_sitter_javascript::LANGUAGE.into(),
            Self::Python => tree_sitter_python::LANGUAGE.into(),
            Self::Rust => tree_sitter_rust::LANGUAGE.into(),
            Self::TypeScript => tree_sitter_typescript::LANGUAGE_TYPESCRIPT.into(),
            Self::Tsx => tree_sitter_typescript::LANGUAGE_TSX.into(),
        }
    }

    /// The nodes that are functions with a body.
    const fn functions(self) -> &'static [&'static str] {
        match self {
            Self::C | Self::Cpp | Self::Python => &["function_definition"],
            Self::Go => &["function_declaration", "method_declaration"],
            Self::Java => &["method_declaration", "constructor_declaration"],
            Self::JavaScript | Self::TypeScript | Self::Tsx => &[
                "function_declaration",
                "method_definition",
                // `const f = (a) => a;`
                "lexical_declaration",
            ],
            Self::Rust => &["function_item"],
        }
    }

    /// The nodes that may stand around a function, between it and its description.
    const fn wrappers(self) -> &'static [&'static str] {
        match self {
            Self::Cpp => &["template_declaration"],
            Self::JavaScript | Self::TypeScript | Self::Tsx => &["export_statement"],
            Self::Python => &["decorated_definition"],
            Self::C | Self::Go | Self::Java | Self::Rust => &[],
        }
    }

    /// How a comment that describes begins; any comment does where the language has no marks of its own for it.
    const fn description_marks(self) -> &'static [&'static str] {
        match self {
            Self::Rust => &["///", "/**"],
            Self::Java | Self::JavaScript | Self::TypeScript | Self::Tsx => &["/**"],
            Self::C | Self::Cpp | Self::Go => &["/*", "//"],
            Self::Python => &[],
        }
    }
}

/// The functions of a text that have a description, in the order of the text. None of a text that is too long to be
/// parsed.
pub(crate) fn documented_functions(text: &str, grammar: Grammar) -> Vec<DocumentedFunction> {
    let Some(tree) = parse(text, grammar) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    each_node(&tree, |node| {
        if grammar.functions().contains(&node.kind())
            && !node.has_error()
            && let Some(function) = documented(node, text, grammar)
        {
            found.push(function);
        }
    });
    found
}

/// The tree of a text, unless it is too long or takes too long.
pub(crate) fn parse(text: &str, grammar: Grammar) -> Option<Tree> {
    if text.len() > MAX_PARSED_BYTES {
        return None;
    }
    let mut parser = Parser::new();
    parser.set_language(&grammar.language()).ok()?;
    let started = Instant::now();
    let mut watch = |_: &ParseState| {
        if started.elapsed() > MAX_TIME {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    };
    let options = ParseOptions::new().progress_callback(&mut watch);
    let bytes = text.as_bytes();
    parser.parse_with_options(&mut |at, _| bytes.get(at..).unwrap_or_default(), None, Some(options))
}

/// Shows the named nodes of a tree, each before what is in it, up to the bounds.
fn each_node<'tree>(tree: &'tree Tree, mut show: impl FnMut(Node<'tree>)) {
    let mut cursor = tree.walk();
    let mut depth = 0;
    for _ in 0..MAX_NODES {
        show(cursor.node());
        if depth < MAX_DEPTH && cursor.goto_first_child() {
            depth += 1;
        } else if !go_on(&mut cursor, &mut depth) {
            return;
        }
    }
}

/// Goes to the next node that is not inside of this one.
fn go_on(cursor: &mut TreeCursor<'_>, depth: &mut usize) -> bool {
    loop {
        if cursor.goto_next_sibling() {
            return true;
        }
        if !cursor.goto_parent() {
            return false;
        }
        *depth -= 1;
    }
}

/// A function with its description, where it has one.
fn documented(node: Node<'_>, text: &str, grammar: Grammar) -> Option<DocumentedFunction> {
    let (named, function) = if node.kind() == "lexical_declaration" {
        let declarator = node.named_child(0)?;
        let value = declarator.child_by_field_name("value")?;
        (
            declarator,
            Some(value).filter(|value| value.kind() == "arrow_function")?,
        )
    } else {
        (node, node)
    };
    let body = function.child_by_field_name("body")?;
    let name = name_of(named)?.byte_range();
    let outer = node
        .parent()
        .filter(|parent| grammar.wrappers().contains(&parent.kind()))
        .unwrap_or(node);
    let (start, description) = if grammar == Grammar::Python {
        (outer.start_byte(), docstring(body)?)
    } else {
        comment_before(outer, text, grammar)?
    };
    Some(DocumentedFunction {
        description,
        function: start..outer.end_byte(),
        name,
        body: body.start_byte(),
    })
}

/// The name of a function. In C it is inside of declarators.
fn name_of(function: Node<'_>) -> Option<Node<'_>> {
    let mut node = function;
    for _ in 0..8 {
        if let Some(name) = node.child_by_field_name("name") {
            return Some(name);
        }
        node = node.child_by_field_name("declarator")?;
        if matches!(
            node.kind(),
            "identifier" | "field_identifier" | "qualified_identifier" | "destructor_name"
        ) {
            return Some(node);
        }
    }
    None
}

/// The docstring that a body in Python begins with.
fn docstring(body: Node<'_>) -> Option<Range<usize>> {
    let first = body
        .named_child(0)
        .filter(|first| first.kind() == "expression_statement")?;
    let string = first.named_child(0).filter(|string| string.kind() == "string")?;
    // A body of nothing else has nothing to learn.
    (body.named_child_count() > 1).then(|| string.byte_range())
}

/// The comments right before a function, and where the function begins with its attributes.
fn comment_before(function: Node<'_>, text: &str, grammar: Grammar) -> Option<(usize, Range<usize>)> {
    let mut start = function.start_byte();
    let mut line = function.start_position().row;
    let mut description: Option<Range<usize>> = None;
    let mut node = function;
    // More lines of comment than this are not about one function.
    for _ in 0..64 {
        let Some(before) = node.prev_sibling() else { break };
        let is_comment = before.kind().ends_with("comment");
        // A comment of Rust that ends with its line break ends in column 0 of the next line.
        let last_line = before.end_position().row - usize::from(before.end_position().column == 0);
        if last_line + 1 < line {
            break;
        }
        if is_comment {
            let marked = &text[before.byte_range()];
            if !grammar.description_marks().iter().any(|mark| marked.starts_with(mark)) {
                break;
            }
            let end = description.map_or(before.end_byte(), |described| described.end);
            description = Some(before.start_byte()..end);
        } else if before.kind() == "attribute_item" && description.is_none() {
            start = before.start_byte();
        } else {
            break;
        }
        line = before.start_position().row;
        node = before;
    }
    Some((start, description?))
}

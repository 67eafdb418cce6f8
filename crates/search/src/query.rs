//! From what a user typed to a query of the engine.

use tantivy::Term;
use tantivy::query::{BooleanQuery, BoostQuery, ConstScoreQuery, Occur, PhraseQuery, Query, TermQuery};
use tantivy::schema::{Field, IndexRecordOption};
use tantivy::tokenizer::TokenStream;

use crate::document::Kind;
use crate::schema::Fields;
use crate::tokenizer::{CodeTokens, TokenKind};

/// The most bytes of a query that are read.
const MAX_QUERY_BYTES: usize = 4096;

/// The most clauses that are asked for; each costs a lookup in four fields.
const MAX_CLAUSES: usize = 32;

/// The most parts of one clause.
const MAX_PARTS: usize = 32;

/// How much a match in a field counts against one in the text.
///
/// Chosen so that the golden searches in `tests/it` rank a file of the asked name over files that mention it.
const PATH_BOOST: f32 = 2.0;
const NAME_BOOST: f32 = 3.0;
const REPO_BOOST: f32 = 2.0;
const WHOLE_BOOST: f32 = 2.0;

/// How the words of a query were matched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Matching {
    /// Every hit has every word.
    AllWords,
    /// Nothing has every word: a hit has at least one part of a word.
    AnyWord,
}

/// A word or a quoted phrase: its parts stand one after the other in what matches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Clause {
    /// The parts, in order; never empty.
    pub(crate) parts: Vec<String>,
    /// The whole identifier, when the clause is one identifier of several parts.
    pub(crate) whole: Option<String>,
}

/// Splits what a user typed into clauses; anything is understood.
///
/// White space separates words. Double quotes, also curly ones, hold a phrase together; a quote that is never closed
/// runs to the end. All other punctuation only separates parts. Of a longer query the first 4,096 bytes count,
/// and of these the first 32 clauses.
pub(crate) fn parse(words: &str) -> Vec<Clause> {
    let words = &words[..words.floor_char_boundary(MAX_QUERY_BYTES)];
    let mut clauses: Vec<Clause> = Vec::new();
    for (i, stretch) in words.split(['"', '\u{201c}', '\u{201d}']).enumerate() {
        let quoted = i % 2 == 1;
        let pieces: Vec<&str> = if quoted {
            vec![stretch]
        } else {
            stretch.split_whitespace().collect()
        };
        for clause in pieces.into_iter().filter_map(clause_of) {
            if clauses.len() < MAX_CLAUSES && !clauses.contains(&clause) {
                clauses.push(clause);
            }
        }
    }
    clauses
}

/// What a query is restricted to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Filters<'a> {
    pub(crate) kind: Option<Kind>,
    pub(crate) language: Option<&'a str>,
    pub(crate) repository: Option<&'a str>,
}

/// The query of the engine.
pub(crate) fn compile(fields: &Fields, clauses: &[Clause], filters: Filters<'_>, matching: Matching) -> BooleanQuery {
    let mut all: Vec<Box<dyn Query>> = filter_queries(fields, filters);
    match matching {
        Matching::AllWords => all.extend(clauses.iter().map(|clause| clause_query(fields, clause))),
        Matching::AnyWord => all.push(any_word(fields, clauses)),
    }
    BooleanQuery::intersection(all)
}

fn clause_of(text: &str) -> Option<Clause> {
    let mut clause = Clause {
        parts: Vec::new(),
        whole: None,
    };
    let mut wholes = Vec::new();
    let mut single_parts = 0_usize;
    let mut tokens = CodeTokens::new(text);
    let mut in_whole = 0..0;
    while clause.parts.len() < MAX_PARTS && tokens.advance() {
        let token = tokens.token();
        match tokens.kind() {
            TokenKind::Whole => {
                in_whole = token.offset_from..token.offset_to;
                wholes.push(token.text.clone());
            }
            TokenKind::Part => {
                single_parts += usize::from(!in_whole.contains(&token.offset_from));
                clause.parts.push(token.text.clone());
            }
        }
    }
    if wholes.len() == 1 && single_parts == 0 {
        clause.whole = wholes.pop();
    }
    (!clause.parts.is_empty()).then_some(clause)
}

/// Scores nothing: a filter chooses and does not rank.
fn filter_queries(fields: &Fields, filters: Filters<'_>) -> Vec<Box<dyn Query>> {
    let language = filters.language.map(str::to_lowercase);
    let wanted = [
        (fields.kind, filters.kind.map(Kind::as_str)),
        (fields.language, language.as_deref()),
        (fields.repository, filters.repository),
    ];
    let chosen = wanted
        .into_iter()
        .filter_map(|(field, text)| Some(Term::from_field_text(field, text?)));
    chosen
        .map(|term| {
            let term = Box::new(TermQuery::new(term, IndexRecordOption::Basic));
            Box::new(ConstScoreQuery::new(term, 0.0)) as Box<dyn Query>
        })
        .collect()
}

/// The clause in any field.
fn clause_query(fields: &Fields, clause: &Clause) -> Box<dyn Query> {
    let mut any = in_every_field(fields, &clause.parts);
    if let Some(whole) = &clause.whole {
        any.push(boosted(sequence(fields.text, std::slice::from_ref(whole)), WHOLE_BOOST));
        any.push(boosted(
            sequence(fields.name_words, std::slice::from_ref(whole)),
            NAME_BOOST,
        ));
    }
    Box::new(BooleanQuery::union(any))
}

/// At least one part of one clause; a clause that matches as it stands counts on top.
fn any_word(fields: &Fields, clauses: &[Clause]) -> Box<dyn Query> {
    let mut parts: Vec<&String> = clauses.iter().flat_map(|clause| &clause.parts).collect();
    parts.sort_unstable();
    parts.dedup();
    parts.truncate(2 * MAX_PARTS);
    let mut any: Vec<Box<dyn Query>> = clauses
        .iter()
        .filter(|clause| clause.parts.len() > 1)
        .map(|clause| clause_query(fields, clause))
        .collect();
    for part in parts {
        any.extend(in_every_field(fields, std::slice::from_ref(part)));
    }
    Box::new(BooleanQuery::new(
        any.into_iter().map(|query| (Occur::Should, query)).collect(),
    ))
}

fn in_every_field(fields: &Fields, parts: &[String]) -> Vec<Box<dyn Query>> {
    vec![
        sequence(fields.text, parts),
        boosted(sequence(fields.path_words, parts), PATH_BOOST),
        boosted(sequence(fields.name_words, parts), NAME_BOOST),
        boosted(sequence(fields.repository_words, parts), REPO_BOOST),
    ]
}

fn sequence(field: Field, parts: &[String]) -> Box<dyn Query> {
    let terms: Vec<Term> = parts.iter().map(|part| Term::from_field_text(field, part)).collect();
    match <[Term; 1]>::try_from(terms) {
        Ok([term]) => Box::new(TermQuery::new(term, IndexRecordOption::WithFreqs)),
        Err(terms) => Box::new(PhraseQuery::new(terms)),
    }
}

fn boosted(query: Box<dyn Query>, boost: f32) -> Box<dyn Query> {
    Box::new(BoostQuery::new(query, boost))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Clauses separated by `|`, parts by spaces, and a whole identifier after `=`.
    fn check(words: &str, expected: &str) {
        let shown: Vec<String> = parse(words)
            .into_iter()
            .map(|clause| match clause.whole {
                Some(whole) => format!("{}={whole}", clause.parts.join(" ")),
                None => clause.parts.join(" "),
            })
            .collect();
        assert_eq!(shown.join("|"), expected, "{words:?}");
    }

    #[test]
    fn words_phrases_and_identifiers() {
        check("open file", "open|file");
        check("\"open file\" fast", "open file|fast");
        check("read_to_string", "read to string=read_to_string");
        check("\"read_to_string x\"", "read to string x");
        check("x.read_to_string", "x read to string");
        check("HashMap::new", "hash map new");
        check("open open", "open");
    }

    #[test]
    fn odd_syntax_is_words() {
        check("foo(bar", "foo bar");
        check("a::b", "a b");
        check("\"never closed phrase", "never closed phrase");
        check("a\"b\"c", "a|b|c");
        check("“curly one”", "curly one");
        check("+-!(){}[]^~*?:\\/ && || AND", "and");
        check("\"\" \" \" -- ::", "");
        check("", "");
    }

    proptest! {
        #[test]
        fn any_input_is_bounded(words in "\\PC{0,400}|[a-z\" ]{0,20000}|(a1)*") {
            let clauses = parse(&words);
            prop_assert!(clauses.len() <= MAX_CLAUSES);
            for clause in clauses {
                prop_assert!((1..=MAX_PARTS).contains(&clause.parts.len()));
            }
        }
    }
}

//! A score from 0 to 100: how much a content looks like something people wrote to be read.
//!
//! Each term maps one signal to 0..=1 along straight lines and adds its weight times that; two factors then take
//! away from what repeats itself in shape or in numbers, which additive terms cannot outweigh. All arithmetic is
//! exact IEEE addition, multiplication, division and square root, so the score is the same on every machine.
//! The corners were set on real files by looking at the worst and the best of them.

use crate::language::Kind;
use crate::signals::Signals;

/// One term: a weight, the signal it looks at, and the corners of its broken line, sorted by signal.
struct Term {
    weight: f64,
    signal: fn(&Signals) -> f64,
    corners: &'static [(f64, f64)],
}

const fn term(weight: f64, signal: fn(&Signals) -> f64, corners: &'static [(f64, f64)]) -> Term {
    Term {
        weight,
        signal,
        corners,
    }
}

/// The terms for code and markup. Weights add up to 100.
#[rustfmt::skip]
const CODE: &[Term] = &[
    // Enough lines with text to stand alone.
    term(15.0, text_lines, &[(2.0, 0.0), (10.0, 0.5), (60.0, 1.0)]),
    // A vocabulary of its own: Guiraud's index of real modules lies between 3 and 12.
    term(15.0, |s| s.richness, &[(1.0, 0.0), (4.0, 0.6), (9.0, 1.0)]),
    // Many words carry the text, not a few.
    term(10.0, |s| s.effective_tokens, &[(4.0, 0.0), (20.0, 0.6), (80.0, 1.0)]),
    // Definitions and control flow.
    term(20.0, |s| s.structure, &[(0.0, 0.0), (0.3, 0.8), (0.7, 1.0)]),
    // Lines that differ.
    term(10.0, |s| s.duplicate_lines, &[(0.05, 1.0), (0.3, 0.6), (0.6, 0.0)]),
    // Explained, but not a comment as a whole.
    term(10.0, |s| s.comment_lines, &[(0.0, 0.2), (0.12, 1.0), (0.5, 1.0), (0.9, 0.0)]),
    // Lines of the length that people write.
    term(10.0, |s| s.average_line, &[(5.0, 0.0), (18.0, 1.0), (50.0, 1.0), (100.0, 0.0)]),
    // Names that say something: words of a plausible mean length.
    term(5.0, |s| s.word_length, &[(1.5, 0.0), (4.0, 1.0), (8.0, 1.0), (16.0, 0.0)]),
    // One way of indenting.
    term(5.0, |s| s.indentation, &[(0.5, 0.0), (0.95, 1.0)]),
];

/// The terms for data and prose, where neither structure words nor comments are to be expected.
#[rustfmt::skip]
const TEXT: &[Term] = &[
    term(20.0, text_lines, &[(2.0, 0.0), (10.0, 0.5), (60.0, 1.0)]),
    term(25.0, |s| s.richness, &[(1.0, 0.0), (4.5, 0.7), (10.0, 1.0)]),
    term(15.0, |s| s.effective_tokens, &[(4.0, 0.0), (20.0, 0.6), (80.0, 1.0)]),
    term(15.0, |s| s.duplicate_lines, &[(0.05, 1.0), (0.3, 0.6), (0.6, 0.0)]),
    term(15.0, |s| s.punctuation, &[(0.02, 1.0), (0.25, 1.0), (0.55, 0.0)]),
    term(10.0, |s| s.word_length, &[(1.5, 0.0), (4.0, 1.0), (8.0, 1.0), (16.0, 0.0)]),
];

/// The score of a content of a language of this kind.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the product lies between 0 and 100"
)]
pub(crate) fn score(kind: Kind, signals: &Signals) -> u8 {
    let terms = match kind {
        Kind::Programming | Kind::Markup => CODE,
        Kind::Data | Kind::Prose => TEXT,
    };
    let sum: f64 = terms
        .iter()
        .map(|term| term.weight * along(term.corners, (term.signal)(signals)))
        .sum();
    let factors: f64 = factors(kind, signals).iter().product();
    (sum * factors).round() as u8
}

/// What multiplies the sum of the terms, each between 0 and 1.
fn factors(kind: Kind, signals: &Signals) -> [f64; 5] {
    // Lines that all have the shape of the one before are a table, except in prose, which has hardly a shape.
    let shape: &[_] = match kind {
        Kind::Prose => &[(0.0, 1.0)],
        Kind::Data => &[(0.8, 1.0), (1.0, 0.4)],
        Kind::Programming | Kind::Markup => &[(0.5, 1.0), (0.9, 0.3)],
    };
    [
        // Too short to stand alone, however good its lines are.
        along(&[(2.0, 0.3), (10.0, 1.0)], text_lines(signals)),
        along(shape, signals.same_shape),
        along(&[(0.2, 1.0), (0.5, 0.2)], signals.digits),
        along(&[(0.4, 1.0), (0.8, 0.4)], signals.duplicate_tokens),
        along(&[(0.2, 1.0), (0.5, 0.3)], signals.top_token),
    ]
}

fn text_lines(signals: &Signals) -> f64 {
    signals.lines as f64 * (1.0 - signals.blank_lines)
}

/// The height over `x` of the broken line through `corners`; flat before the first and after the last.
fn along(corners: &[(f64, f64)], x: f64) -> f64 {
    let after = corners.partition_point(|corner| corner.0 <= x);
    match (after.checked_sub(1).and_then(|i| corners.get(i)), corners.get(after)) {
        (Some(left), Some(right)) => left.1 + (right.1 - left.1) * (x - left.0) / (right.0 - left.0),
        (Some(only), None) | (None, Some(only)) => only.1,
        (None, None) => 0.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_add_up_and_corners_rise() {
        for terms in [CODE, TEXT] {
            let sum: f64 = terms.iter().map(|term| term.weight).sum();
            assert!((sum - 100.0).abs() < 1e-9, "{sum}");
            for term in terms {
                assert!(term.corners.is_sorted_by(|a, b| a.0 < b.0));
                assert!(term.corners.iter().all(|corner| (0.0..=1.0).contains(&corner.1)));
            }
        }
    }

    #[test]
    fn a_broken_line_is_flat_outside() {
        let corners = [(1.0, 0.0), (3.0, 1.0)];
        for (x, expected) in [(0.0, 0.0), (1.0, 0.0), (2.0, 0.5), (3.0, 1.0), (9.0, 1.0)] {
            assert!((along(&corners, x) - expected).abs() < 1e-12, "{x}");
        }
    }
}

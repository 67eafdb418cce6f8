//! From samples to rows: best fit, the longest first.

use std::collections::BTreeSet;

/// Puts samples of the given lengths into rows of `row` tokens. Each row names its samples; every sample is in one row, a
/// sample that is longer than a row in none.
///
/// Best-fit decreasing: each sample, the longest first, goes to the row with the least room that holds it; at most 11/9
/// of the least number of rows and 4 more (Johnson, Near-optimal bin packing algorithms, 1973). Takes n log n. Equal
/// lengths keep their order, so the result is always the same.
pub fn pack(lengths: &[usize], row: usize) -> Vec<Vec<usize>> {
    let mut by_length: Vec<usize> = (0..lengths.len()).filter(|&sample| lengths[sample] <= row).collect();
    by_length.sort_by_key(|&sample| std::cmp::Reverse(lengths[sample]));
    let mut rows: Vec<Vec<usize>> = Vec::new();
    let mut rooms: BTreeSet<(usize, usize)> = BTreeSet::new();
    for sample in by_length {
        let length = lengths[sample];
        let (room, number) = rooms.range((length, 0)..).next().copied().unwrap_or((row, rows.len()));
        if number == rows.len() {
            rows.push(Vec::new());
        } else {
            rooms.remove(&(room, number));
        }
        rows[number].push(sample);
        rooms.insert((room - length, number));
    }
    rows
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_tightest_row_takes_a_sample() {
        assert_eq!(pack(&[3, 6, 7, 3, 4], 10), [vec![2, 0], vec![1, 4], vec![3]]);
        assert_eq!(pack(&[], 10), Vec::<Vec<usize>>::new());
        assert_eq!(pack(&[11, 10], 10), [vec![1]]);
    }

    proptest! {
        #[test]
        fn every_sample_is_in_one_row_and_no_row_overflows(lengths in prop::collection::vec(0_usize..=64, 0..300)) {
            let rows = pack(&lengths, 64);
            let mut placed: Vec<usize> = rows.iter().flatten().copied().collect();
            placed.sort_unstable();
            prop_assert_eq!(placed, (0..lengths.len()).collect::<Vec<_>>());
            let filled = |row: &Vec<usize>| row.iter().map(|&sample| lengths[sample]).sum::<usize>();
            prop_assert!(rows.iter().all(|row| filled(row) <= 64));
            // No two rows are half empty: the second would have gone into the first.
            let half_empty = rows.iter().filter(|row| filled(row) < 32).count();
            prop_assert!(half_empty <= 1, "{} rows are under half", half_empty);
        }
    }
}

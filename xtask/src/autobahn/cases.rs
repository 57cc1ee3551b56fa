//! The suite's cases, which of them to run, and how to part them.

use std::cmp::Reverse;
use std::fmt;

use crate::process::Failure;

/// Every group of the suite with the number of its cases, which count from 1.
const GROUPS: [(&str, u8); 57] = [
    ("1.1", 8),
    ("1.2", 8),
    ("2", 11),
    ("3", 7),
    ("4.1", 5),
    ("4.2", 5),
    ("5", 20),
    ("6.1", 3),
    ("6.2", 4),
    ("6.3", 2),
    ("6.4", 4),
    ("6.5", 5),
    ("6.6", 11),
    ("6.7", 4),
    ("6.8", 2),
    ("6.9", 4),
    ("6.10", 3),
    ("6.11", 5),
    ("6.12", 8),
    ("6.13", 5),
    ("6.14", 10),
    ("6.15", 1),
    ("6.16", 3),
    ("6.17", 5),
    ("6.18", 5),
    ("6.19", 5),
    ("6.20", 7),
    ("6.21", 8),
    ("6.22", 34),
    ("6.23", 7),
    ("7.1", 6),
    ("7.3", 6),
    ("7.5", 1),
    ("7.7", 13),
    ("7.9", 9),
    ("7.13", 2),
    ("9.1", 6),
    ("9.2", 6),
    ("9.3", 9),
    ("9.4", 9),
    ("9.5", 6),
    ("9.6", 6),
    ("9.7", 6),
    ("9.8", 6),
    ("10.1", 1),
    ("12.1", 18),
    ("12.2", 18),
    ("12.3", 18),
    ("12.4", 18),
    ("12.5", 18),
    ("13.1", 18),
    ("13.2", 18),
    ("13.3", 18),
    ("13.4", 18),
    ("13.5", 18),
    ("13.6", 18),
    ("13.7", 18),
];

/// A case that exists. In the suite's own order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Case {
    group: usize,
    number: u8,
}

impl Case {
    fn group(self) -> &'static str {
        GROUPS[self.group].0
    }

    fn is_compressed(self) -> bool {
        self.group().starts_with("12.") || self.group().starts_with("13.")
    }

    /// Roughly the milliseconds that the suite spends on it.
    fn weight(self) -> u64 {
        if !self.is_compressed() {
            return if self.group().starts_with('9') { 100 } else { 20 };
        }
        // A thousand messages of so many KiB.
        let kib = match self.number {
            number @ 1..=10 => (1 << number) >> 3,
            number @ 11..=15 => 1 << (number - 8),
            _ => 128,
        };
        300 + 100 * kib
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.group(), self.number)
    }
}

/// All 517.
pub(super) fn all() -> Vec<Case> {
    let numbered = |(group, &(_, count)): (usize, &(&str, u8))| {
        (1..=count).map(move |number| Case { group, number })
    };
    GROUPS.iter().enumerate().flat_map(numbered).collect()
}

/// All but compression, and the first case of each compressed group: well under a minute.
pub(super) fn quick() -> Vec<Case> {
    all().into_iter().filter(|case| !case.is_compressed() || case.number == 1).collect()
}

/// The cases that one of `patterns` names: `6.4.1`, `6.4.*`, `6.*` or `*`.
///
/// # Errors
/// When a pattern names none.
pub(super) fn matching(patterns: &[String]) -> Result<Vec<Case>, Failure> {
    let names = |pattern: &str, case: &Case| match pattern.strip_suffix('*') {
        Some(start) => case.to_string().starts_with(start),
        None => case.to_string() == pattern,
    };
    if let Some(pattern) =
        patterns.iter().find(|pattern| !all().iter().any(|case| names(pattern, case)))
    {
        return Err(format!("the suite has no case {pattern}").into());
    }
    let named = |case: &Case| patterns.iter().any(|pattern| names(pattern, case));
    Ok(all().into_iter().filter(named).collect())
}

/// Deals `cases` out to at most `parts` processes that should need equally long.
pub(super) fn split(cases: &[Case], parts: usize) -> Vec<Vec<Case>> {
    let mut dealt = vec![(0, Vec::new()); parts.clamp(1, cases.len().max(1))];
    let mut heaviest_first = cases.to_vec();
    heaviest_first.sort_by_key(|case| Reverse(case.weight()));
    for case in heaviest_first {
        if let Some((weight, part)) = dealt.iter_mut().min_by_key(|(weight, _)| *weight) {
            *weight += case.weight();
            part.push(case);
        }
    }
    dealt
        .into_iter()
        .map(|(_, mut part)| {
            part.sort();
            part
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(cases: &[Case]) -> Vec<String> {
        cases.iter().map(Case::to_string).collect()
    }

    fn named(patterns: &[&str]) -> Result<Vec<String>, Failure> {
        let patterns: Vec<_> = patterns.iter().map(|&pattern| pattern.to_owned()).collect();
        Ok(ids(&matching(&patterns)?))
    }

    #[test]
    fn the_suite_has_517_cases_of_which_216_compress() {
        assert_eq!(all().len(), 517);
        assert_eq!(all().iter().filter(|case| case.is_compressed()).count(), 216);
    }

    #[test]
    fn the_quick_part_has_some_of_each_group() {
        assert_eq!(quick().len(), 301 + 12);
        for (group, _) in GROUPS {
            assert!(quick().iter().any(|case| case.group() == group), "{group}");
        }
    }

    #[test]
    fn patterns_name_cases_in_the_order_of_the_suite() {
        assert_eq!(named(&["7.5.1", "1.1.8"]).unwrap(), ["1.1.8", "7.5.1"]);
        assert_eq!(named(&["6.2.*"]).unwrap(), ["6.2.1", "6.2.2", "6.2.3", "6.2.4"]);
        assert_eq!(named(&["1.*"]).unwrap().len(), 16);
        assert_eq!(named(&["*", "1.*"]).unwrap().len(), 517);
        for pattern in ["8.*", "1.1.9", "2.12", ""] {
            assert!(named(&[pattern]).is_err(), "{pattern}");
        }
    }

    #[test]
    fn parts_are_disjoint_complete_and_of_like_weight() {
        let parts = split(&all(), 2);
        let weight = |part: &Vec<Case>| part.iter().map(|case| case.weight()).sum::<u64>();
        let (one, other) = (weight(&parts[0]), weight(&parts[1]));
        assert!(one.abs_diff(other) * 50 < one, "{one} against {other}");
        let mut together = parts.concat();
        together.sort();
        assert_eq!(together, all());
        assert_eq!(split(&all()[..1], 2).len(), 1);
    }
}

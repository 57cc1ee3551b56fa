//! The suite's verdicts against what is expected, case by case.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value;

use super::cases::Case;
use crate::process::Failure;
use crate::summary::Counts;

/// Cases whose outcome the suite only reports, whatever its peer does.
const INFORMATIONAL: [&str; 3] = ["7.1.6", "7.13.1", "7.13.2"];

/// Faults printed; when a process broke off there are hundreds.
const SHOWN: usize = 40;

/// The verdict on each case that ran: what the peer did, and how the connection ended.
#[derive(Debug, Default)]
pub(super) struct Report {
    verdicts: BTreeMap<String, [String; 2]>,
}

impl Report {
    /// Reads the suite's `index.json`.
    ///
    /// # Errors
    /// When the file is missing or has no verdicts on `agent`.
    pub(super) fn read(path: &Path, agent: &str) -> Result<Self, Failure> {
        let text = fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
        Self::parse(&serde_json::from_slice(&text)?, agent)
    }

    fn parse(index: &Value, agent: &str) -> Result<Self, Failure> {
        let cases = index[agent]
            .as_object()
            .ok_or_else(|| format!("no verdicts on {agent} in the report"))?;
        let text = |value: &Value| value.as_str().unwrap_or("missing").to_owned();
        let verdicts = cases
            .iter()
            .map(|(case, verdict)| {
                (case.clone(), [text(&verdict["behavior"]), text(&verdict["behaviorClose"])])
            })
            .collect();
        Ok(Self { verdicts })
    }

    /// Adds the verdicts of another process.
    pub(super) fn merge(&mut self, other: Self) {
        self.verdicts.extend(other.verdicts);
    }

    /// Compares with what `cases` should have come to. Prints how often each verdict came, then
    /// every case that is not as it should be, those without a verdict included.
    pub(super) fn judge(&self, label: &str, cases: &[Case]) -> Counts {
        let mut tally = BTreeMap::new();
        for [behavior, _] in self.verdicts.values() {
            *tally.entry(behavior).or_insert(0) += 1;
        }
        println!("\n{label}: {} of {} cases ran: {tally:?}", self.verdicts.len(), cases.len());
        let faults = self.faults(cases);
        for fault in faults.iter().take(SHOWN) {
            println!("  {fault}");
        }
        if faults.len() > SHOWN {
            println!("  and {} more", faults.len() - SHOWN);
        }
        let failed = faults.len() as u64;
        Counts { passed: (cases.len() as u64).saturating_sub(failed), failed, skipped: 0 }
    }

    fn faults(&self, cases: &[Case]) -> Vec<String> {
        let wrong = |case: &Case| {
            let id = case.to_string();
            match self.verdicts.get(&id) {
                None => Some(format!("{id}: did not run")),
                Some(verdict) if is_expected(&id, verdict) => None,
                Some([behavior, close]) => Some(format!("{id}: {behavior}, closing {close}")),
            }
        };
        let unasked = |id: &&String| !cases.iter().any(|case| case.to_string() == **id);
        let unasked = self.verdicts.keys().filter(unasked);
        let unasked = unasked.map(|id| format!("{id}: nobody asked for it"));
        cases.iter().filter_map(wrong).chain(unasked).collect()
    }
}

fn is_expected(case: &str, verdict: &[String; 2]) -> bool {
    let expected = if INFORMATIONAL.contains(&case) { "INFORMATIONAL" } else { "OK" };
    verdict.iter().all(|part| part == expected)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::cases::matching;
    use super::*;

    fn report(verdicts: &[(&str, &str, &str)]) -> Report {
        let mut index = json!({ "spola": {} });
        for (case, behavior, close) in verdicts {
            index["spola"][*case] = json!({ "behavior": behavior, "behaviorClose": close });
        }
        Report::parse(&index, "spola").unwrap()
    }

    #[test]
    fn only_ok_passes_but_for_the_three_informational_cases() {
        let verdicts = [
            ("1.1.1", "OK", "OK", true),
            ("6.4.1", "NON-STRICT", "OK", false),
            ("7.1.6", "INFORMATIONAL", "INFORMATIONAL", true),
            ("7.13.2", "FAILED", "INFORMATIONAL", false),
            ("7.1.5", "INFORMATIONAL", "INFORMATIONAL", false),
            ("7.7.1", "OK", "FAILED", false),
            ("7.7.2", "OK", "UNCLEAN", false),
            ("7.7.3", "UNIMPLEMENTED", "OK", false),
        ];
        for (case, behavior, close, good) in verdicts {
            let cases = matching(&[case.to_owned()]).unwrap();
            let counts = report(&[(case, behavior, close)]).judge("test", &cases);
            assert_eq!(
                (counts.passed, counts.failed),
                if good { (1, 0) } else { (0, 1) },
                "{case}"
            );
        }
    }

    #[test]
    fn a_case_without_a_verdict_has_failed_and_an_unknown_one_too() {
        let cases = matching(&["1.1.1".to_owned(), "1.1.2".to_owned()]).unwrap();
        let mut both = report(&[("1.1.1", "OK", "OK")]);
        assert_eq!(both.faults(&cases), ["1.1.2: did not run"]);
        both.merge(report(&[("1.1.2", "OK", "OK"), ("1.1.9", "OK", "OK")]));
        assert_eq!(both.faults(&cases), ["1.1.9: nobody asked for it"]);
    }

    #[test]
    fn a_report_on_another_peer_is_refused() {
        assert!(Report::parse(&json!({ "other": {} }), "spola").is_err());
    }
}

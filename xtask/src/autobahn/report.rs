//! The suite's verdicts, case by case.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::process::Failure;
use crate::summary::Counts;

/// Cases whose outcome the suite only reports, whatever the server does.
const INFORMATIONAL: [&str; 3] = ["7.1.6", "7.13.1", "7.13.2"];

/// The verdict on each case: what the server did, and how the connection ended.
#[derive(Debug)]
pub(super) struct Report {
    verdicts: BTreeMap<String, (String, String)>,
}

/// Reads the suite's `index.json`.
///
/// # Errors
/// When the file is missing or has no verdicts on `agent`.
pub(super) fn read(path: &Path, agent: &str) -> Result<Report, Failure> {
    let text = fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
    parse(&serde_json::from_slice(&text)?, agent)
}

fn parse(index: &Value, agent: &str) -> Result<Report, Failure> {
    let cases = index[agent].as_object().ok_or("the report has no verdicts on this server")?;
    let text = |value: &Value| value.as_str().unwrap_or("missing").to_owned();
    let verdicts = cases
        .iter()
        .map(|(case, verdict)| {
            let both = (text(&verdict["behavior"]), text(&verdict["behaviorClose"]));
            (case.clone(), both)
        })
        .collect();
    Ok(Report { verdicts })
}

impl Report {
    pub(super) fn cases(&self) -> usize {
        self.verdicts.len()
    }

    pub(super) fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for (case, verdict) in &self.verdicts {
            if is_good(case, verdict) {
                counts.passed += 1;
            } else {
                counts.failed += 1;
            }
        }
        counts
    }

    /// Prints how often each verdict came, then every case that failed.
    pub(super) fn print(&self) {
        let mut tally = BTreeMap::new();
        for (behavior, _) in self.verdicts.values() {
            *tally.entry(behavior).or_insert(0) += 1;
        }
        println!("\nautobahn verdicts: {tally:?}");
        for (case, verdict) in &self.verdicts {
            if !is_good(case, verdict) {
                println!("  {case}: {}, closing {}", verdict.0, verdict.1);
            }
        }
    }
}

fn is_good(case: &str, (behavior, close): &(String, String)) -> bool {
    let informational = INFORMATIONAL.contains(&case);
    [behavior, close]
        .iter()
        .all(|verdict| *verdict == "OK" || (informational && *verdict == "INFORMATIONAL"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_ok_passes_but_for_the_three_informational_cases() {
        let verdicts = [
            ("1.1.1", "OK", "OK", true),
            ("6.4.1", "NON-STRICT", "OK", false),
            ("7.1.6", "INFORMATIONAL", "INFORMATIONAL", true),
            ("7.13.2", "INFORMATIONAL", "OK", true),
            ("7.1.5", "INFORMATIONAL", "OK", false),
            ("7.7.1", "OK", "FAILED", false),
            ("7.7.2", "OK", "UNCLEAN", false),
            ("7.7.3", "UNIMPLEMENTED", "OK", false),
        ];
        for (case, behavior, close, good) in verdicts {
            let index = json!({"spola": {case: {"behavior": behavior, "behaviorClose": close}}});
            let counts = parse(&index, "spola").unwrap().counts();
            assert_eq!(counts.passed == 1, good, "{case}");
            assert_eq!(counts.passed + counts.failed, 1, "{case}");
        }
    }

    #[test]
    fn a_report_on_another_server_is_refused() {
        assert!(parse(&json!({"other": {}}), "spola").is_err());
    }
}

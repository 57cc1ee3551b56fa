//! What the server's process takes, from `/proc`.

use std::fs;

use crate::Failure;

#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sample {
    /// Resident memory, in KiB.
    pub(crate) resident: u64,
    pub(crate) descriptors: usize,
}

pub(crate) fn sample(process: u32) -> Result<Sample, Failure> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let resident = resident.and_then(|text| text.split_whitespace().next()?.parse().ok());
    let descriptors = fs::read_dir(format!("/proc/{process}/fd"))?.count();
    Ok(Sample { resident: resident.ok_or("no VmRSS")?, descriptors })
}

//! A load that goes by turns: each begins when the one before has ended.

use std::time::{Duration, Instant};

use super::histogram::Histogram;
use super::measures::Measures;
use crate::Failure;
use crate::machine::{self, Usage};

/// Takes turns for a while, to warm up, and then for as long as is measured. A message is whatever a
/// turn records.
pub(super) fn measure(
    warm_up: f64,
    seconds: f64,
    server_pid: Option<u32>,
    mut turn: impl FnMut(&mut Histogram) -> Result<(), Failure>,
) -> Result<Measures, Failure> {
    let mut latencies = Histogram::new();
    let mut turn_until = |end: Instant, latencies: &mut Histogram| {
        while Instant::now() < end {
            turn(latencies)?;
        }
        Ok::<_, Failure>(())
    };
    turn_until(Instant::now() + Duration::from_secs_f64(warm_up), &mut latencies)?;
    latencies.clear();
    let usages = || -> Result<(Usage, Usage), Failure> {
        let server = server_pid.map_or(Ok(Usage::default()), Usage::of)?;
        Ok((server, Usage::of(std::process::id())?))
    };
    let (server_before, load_before) = usages()?;
    let opened = Instant::now();
    turn_until(opened + Duration::from_secs_f64(seconds), &mut latencies)?;
    let window = opened.elapsed();
    let (server, load) = usages()?;
    let (server, load) = (server.since(server_before), load.since(load_before));
    Ok(Measures {
        messages: latencies.count() as f64,
        window: window.as_secs_f64(),
        server_cpu: server.cpu.as_secs_f64(),
        load_cpu: load.cpu.as_secs_f64(),
        waited: server.waited.max(load.waited).as_secs_f64(),
        p50: latencies.quantile(0.50).as_secs_f64(),
        p99: latencies.quantile(0.99).as_secs_f64(),
        resident: server_pid.map_or(Ok(0), machine::resident)? as f64,
        ..Measures::default()
    })
}

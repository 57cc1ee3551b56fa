//! An executor on one thread, with a clock that moves only when told.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, Weak};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant, SystemTime};

use spola_driver::{BoxFuture, Runtime, Timer};

/// Polls between two rests: more means that a task wakes itself for ever.
const MAX_POLLS: usize = 200_000;

/// Everything runs when the test says so, in an order that never changes. Clones share it.
#[derive(Clone)]
pub(crate) struct VirtualRuntime {
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
}

struct State {
    start: Instant,
    now: Instant,
    counter: u64,
    tasks: BTreeMap<u64, Task>,
    ready: VecDeque<u64>,
    queued: HashSet<u64>,
    timers: BTreeMap<(Instant, u64), Waker>,
    random: u64,
    /// The state of the generator that picks who runs next; `None` for first come, first served.
    shuffle: Option<u64>,
}

/// A future, unless it is being polled, and who wakes it: the same all the time, as in other executors.
struct Task {
    future: Option<BoxFuture<()>>,
    waker: Waker,
}

impl VirtualRuntime {
    pub(crate) fn new() -> Self {
        #[expect(
            clippy::disallowed_methods,
            reason = "an `Instant` can come from nowhere else; the clock starts here and stands still"
        )]
        let now = Instant::now();
        let state = State {
            start: now,
            now,
            counter: 0,
            tasks: BTreeMap::new(),
            ready: VecDeque::new(),
            queued: HashSet::new(),
            timers: BTreeMap::new(),
            random: 0,
            shuffle: None,
        };
        Self { shared: Arc::new(Shared { state: Mutex::new(state) }) }
    }

    /// Runs whatever can run now; the number of polls it took.
    pub(crate) fn run_until_idle(&self) -> usize {
        let mut polls = 0;
        while self.step() {
            polls += 1;
            assert!(polls < MAX_POLLS, "the tasks never rest");
        }
        polls
    }

    /// Polls the task whose turn it is; `false` if none wants to run.
    pub(crate) fn step(&self) -> bool {
        let (id, mut future, waker) = {
            let mut state = self.lock();
            let Some(id) = state.pick() else {
                return false;
            };
            state.queued.remove(&id);
            let Some(task) = state.tasks.get_mut(&id) else {
                return true;
            };
            let Some(future) = task.future.take() else {
                return true;
            };
            (id, future, task.waker.clone())
        };
        let polled = future.as_mut().poll(&mut Context::from_waker(&waker));
        let mut state = self.lock();
        if polled.is_pending() {
            state.tasks.insert(id, Task { future: Some(future), waker });
        } else {
            state.tasks.remove(&id);
            drop(state);
            drop(future);
        }
        true
    }

    /// Moves the clock, with a stop at every moment for which a timer is set; the number of polls
    /// it took.
    pub(crate) fn advance(&self, time: Duration) -> usize {
        let mut polls = self.run_until_idle();
        let end = self.lock().now + time;
        while let Some(due) = self.next_timer().filter(|due| *due <= end) {
            self.set_clock(due);
            polls += self.run_until_idle();
        }
        self.set_clock(end);
        polls
    }

    /// Lets chance choose who runs next, the same chance for the same seed.
    pub(crate) fn shuffle(&self, seed: u64) {
        self.lock().shuffle = Some(seed);
    }

    /// How many tasks have not ended, after all that can run has run.
    pub(crate) fn tasks(&self) -> usize {
        self.run_until_idle();
        self.lock().tasks.len()
    }

    fn next_timer(&self) -> Option<Instant> {
        self.lock().timers.keys().next().map(|(due, _)| *due)
    }

    fn set_clock(&self, now: Instant) {
        let mut due = Vec::new();
        {
            let mut state = self.lock();
            state.now = now;
            while let Some(entry) = state.timers.first_entry() {
                if entry.key().0 > now {
                    break;
                }
                due.push(entry.remove());
            }
        }
        due.into_iter().for_each(Waker::wake);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.shared.lock()
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }
}

impl State {
    fn count(&mut self) -> u64 {
        self.counter += 1;
        self.counter
    }

    fn pick(&mut self) -> Option<u64> {
        let index = match &mut self.shuffle {
            Some(random) if !self.ready.is_empty() => {
                (split_mix(random) % self.ready.len() as u64) as usize
            }
            _ => 0,
        };
        self.ready.remove(index)
    }

    fn wake(&mut self, id: u64) {
        if self.tasks.contains_key(&id) && self.queued.insert(id) {
            self.ready.push_back(id);
        }
    }
}

impl Runtime for VirtualRuntime {
    fn now(&self) -> Instant {
        self.lock().now
    }

    /// It was 2023-11-14 22:13:20 when the clock began.
    fn system_time(&self) -> SystemTime {
        let state = self.lock();
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000) + (state.now - state.start)
    }

    fn spawn(&self, future: BoxFuture<()>) {
        let mut state = self.lock();
        let id = state.count();
        let waker = Waker::from(Arc::new(TaskWaker { id, shared: Arc::downgrade(&self.shared) }));
        state.tasks.insert(id, Task { future: Some(future), waker });
        state.wake(id);
    }

    fn timer(&self) -> Box<dyn Timer> {
        Box::new(VirtualTimer {
            id: self.lock().count(),
            deadline: None,
            registered: None,
            shared: Arc::clone(&self.shared),
        })
    }

    /// As different every time as chance, and the same in every run.
    fn fill_random(&self, buffer: &mut [u8]) {
        let mut state = self.lock();
        for chunk in buffer.chunks_mut(8) {
            let bytes = split_mix(&mut state.random).to_le_bytes();
            chunk.copy_from_slice(&bytes[..chunk.len()]);
        }
    }
}

/// The generator SplitMix64.
fn split_mix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

struct TaskWaker {
    id: u64,
    shared: Weak<Shared>,
}

impl Wake for TaskWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if let Some(shared) = self.shared.upgrade() {
            shared.lock().wake(self.id);
        }
    }
}

struct VirtualTimer {
    id: u64,
    deadline: Option<Instant>,
    registered: Option<Instant>,
    shared: Arc<Shared>,
}

impl VirtualTimer {
    fn unregister(&mut self) {
        if let Some(due) = self.registered.take() {
            self.shared.lock().timers.remove(&(due, self.id));
        }
    }
}

impl Timer for VirtualTimer {
    fn set(&mut self, deadline: Option<Instant>) {
        self.unregister();
        self.deadline = deadline;
    }

    fn poll_expired(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(deadline) = self.deadline else {
            return Poll::Pending;
        };
        self.unregister();
        let mut state = self.shared.lock();
        if state.now >= deadline {
            self.deadline = None;
            return Poll::Ready(());
        }
        state.timers.insert((deadline, self.id), cx.waker().clone());
        self.registered = Some(deadline);
        Poll::Pending
    }
}

impl Drop for VirtualTimer {
    fn drop(&mut self) {
        self.unregister();
    }
}

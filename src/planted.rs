//! Bugs that tests of tests plant: each is a switch at the very line that it would spoil, and is there
//! in tests only. Whoever plants one says so on their own thread; the store's threads carry it on.

#[cfg(test)]
use std::cell::Cell;

/// A bug.
#[cfg(test)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bug {
    /// A job is closed although its object changed while it was worked on.
    Generation,
    /// What is recorded does not ask whether the job is still the worker's.
    Fence,
    /// What may have been made is made again without a look.
    Unlooked,
    /// A list that breaks off counts as whole, and what it does not show as gone.
    PartialList,
    /// Days of grace are not waited for.
    Grace,
    /// Protected accounts are treated like others.
    Protected,
    /// Those who refer to an account are not told that it came.
    Reference,
    /// What was to be sent when the app was paused is forgotten.
    Paused,
    /// Jobs that wait are not looked at again when the days of grace become others.
    Waking,
    /// Whoever lost the lease of a plan goes on planning.
    Planning,
    /// The app is not asked what became of a request whose answer was lost.
    Doubt,
    /// What may have been made for somebody is taken over by whoever has that name by now.
    Handover,
}

#[cfg(test)]
impl Bug {
    pub(crate) const ALL: [Self; 12] = [
        Self::Generation,
        Self::Fence,
        Self::Unlooked,
        Self::PartialList,
        Self::Grace,
        Self::Protected,
        Self::Reference,
        Self::Paused,
        Self::Waking,
        Self::Planning,
        Self::Doubt,
        Self::Handover,
    ];
}

#[cfg(test)]
thread_local! {
    static PLANTED: Cell<Option<Bug>> = const { Cell::new(None) };
}

/// From now on this thread has a bug, or none; answers which it had.
#[cfg(test)]
pub(crate) fn plant(bug: Option<Bug>) -> Option<Bug> {
    PLANTED.replace(bug)
}

/// The bug that this thread has.
#[cfg(test)]
pub(crate) fn here() -> Option<Bug> {
    PLANTED.get()
}

/// Whether a bug is planted here; never, but in tests.
#[cfg(test)]
macro_rules! planted {
    ($bug:ident) => {
        $crate::planted::here() == Some($crate::planted::Bug::$bug)
    };
}
#[cfg(not(test))]
macro_rules! planted {
    ($bug:ident) => {
        false
    };
}

//! What an evaluation may cost, and why it stopped.

use std::fmt;

/// Steps of one evaluation. A step takes well under half a microsecond, so that all of them together
/// stay below ten milliseconds.
pub(super) const STEPS: usize = 20_000;
/// Longest text, and largest result, in bytes.
pub(crate) const LARGEST: usize = 16 * 1_024;
/// Most elements of a list that an expression makes.
pub(super) const ELEMENTS: usize = 1_000;
/// How many bytes of text are read or written in one step.
pub(super) const BYTES: usize = 16;

/// Why an evaluation has no result. Displayed it is a sentence for people, with what they can do; it
/// never holds anything of a profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Stopped {
    /// It did too much.
    Fuel,
    /// A text or the result became too long.
    Large,
    /// A list became too long.
    Elements,
    /// A whole number left 64 bits, or a number is none.
    Overflow(&'static str),
    /// Division of a whole number by zero.
    Zero,
    /// A value of the wrong kind.
    Kind {
        /// The function or operator.
        of: &'static str,
        /// What it takes: `text`.
        takes: &'static str,
        /// What it was given: `a list`.
        given: &'static str,
    },
    /// A text that is not what a function reads out of it.
    Unreadable {
        /// The function.
        of: &'static str,
        /// What the text should have been: `a whole number`.
        wanted: &'static str,
    },
}

impl Stopped {
    /// Whether another operand may decide in its place, as in CEL. What ends an evaluation does not
    /// let it go on: else each further element would cost what was refused.
    pub(super) const fn is_tolerable(&self) -> bool {
        match self {
            Self::Overflow(_) | Self::Zero | Self::Kind { .. } | Self::Unreadable { .. } => true,
            Self::Fuel | Self::Large | Self::Elements => false,
        }
    }
}

impl fmt::Display for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fuel => f.write_str(
                "the expression takes too long for this profile; make it shorter, or walk through \
                 fewer values.",
            ),
            Self::Large => write!(
                f,
                "the value becomes longer than {LARGEST} bytes; shorten it, for example with left()."
            ),
            Self::Elements => write!(
                f,
                "a list becomes longer than {ELEMENTS} elements; choose some with filter()."
            ),
            Self::Overflow(of) => {
                write!(f, "{of} comes to a number that is too large; use smaller numbers.")
            }
            Self::Zero => f.write_str("a number is divided by zero; test the divisor before."),
            Self::Kind { of, takes, given } => {
                write!(f, "{of} takes {takes} and was given {given}; convert the value before.")
            }
            Self::Unreadable { of, wanted } => {
                write!(f, "{of} was given a text that is not {wanted}; test it with matches().")
            }
        }
    }
}

/// What is left of an evaluation's budget.
#[derive(Debug)]
pub(super) struct Fuel {
    left: usize,
}

impl Fuel {
    /// A full tank.
    pub(super) const fn full() -> Self {
        Self { left: STEPS }
    }

    /// Steps that were taken.
    #[cfg(test)]
    pub(super) const fn spent(&self) -> usize {
        STEPS - self.left
    }

    /// Takes some steps.
    pub(super) fn spend(&mut self, steps: usize) -> Result<(), Stopped> {
        let left = self.left.checked_sub(steps);
        self.left = left.unwrap_or(0);
        left.map(|_| ()).ok_or(Stopped::Fuel)
    }

    /// Reads so many bytes of text.
    pub(super) fn read(&mut self, bytes: usize) -> Result<(), Stopped> {
        self.spend(bytes / BYTES)
    }

    /// Makes a text of so many bytes; called before it is made.
    pub(super) fn write(&mut self, bytes: usize) -> Result<(), Stopped> {
        if bytes > LARGEST {
            return Err(Stopped::Large);
        }
        self.spend(bytes / BYTES)
    }

    /// Finds out whether two texts are equal; those of different lengths never are.
    pub(super) fn same(&mut self, one: &str, other: &str) -> Result<bool, Stopped> {
        if one.len() != other.len() {
            return Ok(false);
        }
        self.read(one.len())?;
        Ok(one == other)
    }

    /// Makes one more element of a list that has so many.
    pub(super) fn push(&mut self, length: usize) -> Result<(), Stopped> {
        if length >= ELEMENTS {
            return Err(Stopped::Elements);
        }
        self.spend(1)
    }
}

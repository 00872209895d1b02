//! Operators of expressions.
//!
//! A missing value does not get in the way: `+` takes it for an empty text (or an empty list), any
//! other arithmetic has no result without it, and it comes neither before nor after anything.

use super::datum::Datum;
use super::fuel::{ELEMENTS, Fuel, Stopped};
use std::cmp::Ordering;

/// An operator with two operands that are both always needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    In,
}

impl Operator {
    /// As it is written.
    pub(crate) const fn sign(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::Remainder => "%",
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
            Self::In => "in",
        }
    }

    /// Whether it answers with true or false.
    pub(crate) const fn compares(self) -> bool {
        !matches!(
            self,
            Self::Add | Self::Subtract | Self::Multiply | Self::Divide | Self::Remainder
        )
    }

    pub(super) fn apply<'a>(
        self,
        left: Datum<'a>,
        right: Datum<'a>,
        fuel: &mut Fuel,
    ) -> Result<Datum<'a>, Stopped> {
        match self {
            Self::Add => add(left, right, fuel),
            Self::Subtract | Self::Multiply | Self::Divide | Self::Remainder => {
                self.arithmetic(&left, &right)
            }
            Self::Equal => left.equals(&right, fuel).map(Datum::Bool),
            Self::NotEqual => left.equals(&right, fuel).map(|equal| Datum::Bool(!equal)),
            Self::In => within(&left, &right, fuel).map(Datum::Bool),
            Self::Less | Self::LessOrEqual | Self::Greater | Self::GreaterOrEqual => {
                self.compare(&left, &right, fuel).map(Datum::Bool)
            }
        }
    }

    fn compare(
        self,
        left: &Datum<'_>,
        right: &Datum<'_>,
        fuel: &mut Fuel,
    ) -> Result<bool, Stopped> {
        if left.is_null() || right.is_null() {
            return Ok(false);
        }
        if let (Datum::Text(a), Datum::Text(b)) = (left, right) {
            fuel.read(a.len().min(b.len()))?;
        }
        let Some(order) = left.order(right) else {
            // Only numbers that are none have no order among themselves.
            return match (left, right) {
                (Datum::Int(_) | Datum::Double(_), Datum::Int(_) | Datum::Double(_)) => Ok(false),
                _ => Err(self.kind("two values of one kind", left, right)),
            };
        };
        Ok(match self {
            Self::Less => order == Ordering::Less,
            Self::LessOrEqual => order != Ordering::Greater,
            Self::Greater => order == Ordering::Greater,
            _ => order != Ordering::Less,
        })
    }

    fn arithmetic<'a>(self, left: &Datum<'a>, right: &Datum<'a>) -> Result<Datum<'a>, Stopped> {
        match (left, right) {
            (Datum::Null, Datum::Null | Datum::Int(_) | Datum::Double(_))
            | (Datum::Int(_) | Datum::Double(_), Datum::Null) => Ok(Datum::Null),
            (Datum::Int(_), Datum::Int(0)) if matches!(self, Self::Divide | Self::Remainder) => {
                Err(Stopped::Zero)
            }
            (Datum::Int(a), Datum::Int(b)) => match self {
                Self::Add => a.checked_add(*b),
                Self::Subtract => a.checked_sub(*b),
                Self::Multiply => a.checked_mul(*b),
                Self::Divide => a.checked_div(*b),
                _ => a.checked_rem(*b),
            }
            .map(Datum::Int)
            .ok_or(Stopped::Overflow(self.sign())),
            (Datum::Int(_) | Datum::Double(_), Datum::Int(_) | Datum::Double(_)) => {
                let (a, b) = (float(left), float(right));
                Ok(Datum::Double(match self {
                    Self::Add => a + b,
                    Self::Subtract => a - b,
                    Self::Multiply => a * b,
                    Self::Divide => a / b,
                    _ => a % b,
                }))
            }
            _ if self == Self::Add => {
                Err(self.kind("two texts, two numbers or two lists", left, right))
            }
            _ => Err(self.kind("two numbers", left, right)),
        }
    }

    /// Blames the operand that is the likelier one.
    const fn kind(self, takes: &'static str, left: &Datum<'_>, right: &Datum<'_>) -> Stopped {
        let given = match right {
            Datum::Null | Datum::Text(_) => left.noun(),
            right => right.noun(),
        };
        Stopped::Kind { of: self.sign(), takes, given }
    }
}

#[expect(clippy::cast_precision_loss, reason = "arithmetic with a fraction has its precision")]
const fn float(number: &Datum<'_>) -> f64 {
    match number {
        Datum::Int(whole) => *whole as f64,
        Datum::Double(number) => *number,
        _ => f64::NAN,
    }
}

fn add<'a>(left: Datum<'a>, right: Datum<'a>, fuel: &mut Fuel) -> Result<Datum<'a>, Stopped> {
    match (left, right) {
        (Datum::Null, other) | (other, Datum::Null)
            if other.is_null() || other.is_list() || matches!(other, Datum::Text(_)) =>
        {
            Ok(other)
        }
        (Datum::Text(a), Datum::Text(b)) => {
            fuel.write(a.len() + b.len())?;
            let mut text = String::with_capacity(a.len() + b.len());
            text.push_str(&a);
            text.push_str(&b);
            Ok(Datum::text(&text))
        }
        (left, right) if left.is_list() && right.is_list() => {
            let (a, b) = (left.length().unwrap_or(0), right.length().unwrap_or(0));
            if a + b > ELEMENTS {
                return Err(Stopped::Elements);
            }
            fuel.spend(a + b)?;
            let first = (0..a).map(|at| left.element(at));
            let then = (0..b).map(|at| right.element(at));
            Ok(Datum::list(first.chain(then).collect()))
        }
        (left, right) => Operator::Add.arithmetic(&left, &right),
    }
}

fn within(value: &Datum<'_>, all: &Datum<'_>, fuel: &mut Fuel) -> Result<bool, Stopped> {
    if all.is_null() {
        return Ok(false);
    }
    let Some(length) = all.length() else {
        let takes = "a list on its right side";
        return Err(Stopped::Kind { of: "in", takes, given: all.noun() });
    };
    if !all.is_list() {
        let Datum::Text(name) = value else { return Ok(false) };
        return Ok(all.entry(name, fuel)?.is_some());
    }
    for at in 0..length {
        if all.element(at).equals(value, fuel)? {
            return Ok(true);
        }
    }
    Ok(false)
}

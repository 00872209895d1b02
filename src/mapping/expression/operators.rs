//! Operators and arguments: whether what is known of a value fits where it stands.

use super::functions::{Function, Gives, Takes};
use super::lower::{Known, Lowered, Lowering, written};
use crate::mapping::form::{Form, Operator, is_text};
use crate::scim::schema::Type;
use cel::IdedExpr;
use cel::common::ast::operators as words;
use cel::common::ast::{CallExpr, Expr, LiteralValue};

const BINARY: &[(&str, Operator)] = &[
    (words::ADD, Operator::Add),
    (words::SUBSTRACT, Operator::Subtract),
    (words::MULTIPLY, Operator::Multiply),
    (words::DIVIDE, Operator::Divide),
    (words::MODULO, Operator::Remainder),
    (words::EQUALS, Operator::Equal),
    (words::NOT_EQUALS, Operator::NotEqual),
    (words::LESS, Operator::Less),
    (words::LESS_EQUALS, Operator::LessOrEqual),
    (words::GREATER, Operator::Greater),
    (words::GREATER_EQUALS, Operator::GreaterOrEqual),
    (words::IN, Operator::In),
];

/// Whether the parser means an operator; a name that people write never looks so.
pub(super) fn is_operator(name: &str) -> bool {
    name.contains(['_', '@']) && !name.starts_with(|first: char| first.is_ascii_alphabetic())
}

/// What is known of what a function gives.
pub(super) fn given<'k>(gives: Gives) -> Known<'k> {
    match gives {
        Gives::Text => Known::Value(Type::String),
        Gives::Texts => Known::List(Box::new(Known::Value(Type::String))),
        Gives::Truth => Known::Value(Type::Boolean),
        Gives::Whole => Known::Value(Type::Integer),
        Gives::Number => Known::Value(Type::Decimal),
        Gives::List => Known::List(Box::new(Known::Any)),
        Gives::Same => Known::Any,
    }
}

/// The kinds of values that never meet: text, numbers, truth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    Text,
    Number,
    Truth,
    List,
    Parts,
}

impl Class {
    /// None where it is not known.
    fn of(known: &Known<'_>) -> Option<Self> {
        match known {
            Known::Any | Known::Nothing => None,
            Known::Value(Type::Boolean) => Some(Self::Truth),
            Known::Value(Type::Integer | Type::Decimal) => Some(Self::Number),
            Known::Value(kind) if is_text(*kind) => Some(Self::Text),
            Known::Value(_) | Known::Parts(_) | Known::Entries(_) | Known::Table => {
                Some(Self::Parts)
            }
            Known::List(_) => Some(Self::List),
        }
    }

    const fn noun(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Number => "a number",
            Self::Truth => "true or false",
            Self::List => "a list",
            Self::Parts => "a value with parts",
        }
    }
}

impl<'k> Lowering<'k> {
    pub(super) fn operation(&mut self, tree: &IdedExpr, call: &CallExpr) -> Option<Lowered<'k>> {
        let truth = Known::Value(Type::Boolean);
        match (call.func_name.as_str(), call.args.as_slice()) {
            (words::LOGICAL_NOT, [of]) => {
                Some((Form::Not(Box::new(self.condition("!", of)?)), truth))
            }
            (words::LOGICAL_AND, [left, right]) => {
                let pair = self.conditions("&&", left, right)?;
                Some((Form::And(Box::new(pair)), truth))
            }
            (words::LOGICAL_OR, [left, right]) => {
                let pair = self.conditions("||", left, right)?;
                Some((Form::Or(Box::new(pair)), truth))
            }
            (words::NEGATE, [of]) => {
                let (form, known) = self.lower(of)?;
                match Class::of(&known) {
                    None | Some(Class::Number) => Some((Form::Negative(Box::new(form)), known)),
                    Some(class) => self.fault(
                        self.at(of.id),
                        format!("- needs a number here, and this is {}; convert it.", class.noun()),
                    ),
                }
            }
            (words::CONDITIONAL, [test, yes, no]) => {
                let (test, yes, no) = (self.condition("?", test), self.lower(yes), self.lower(no));
                let ((yes, one), (no, other)) = (yes?, no?);
                Some((Form::Conditional(Box::new([test?, yes, no])), one.or(&other)))
            }
            (words::INDEX, [of, at]) => self.index(tree, of, at),
            (sign, [left, right]) => match BINARY.iter().find(|(word, _)| *word == sign) {
                Some((_, operator)) => self.binary(tree, *operator, left, right),
                None => self.left_out(tree),
            },
            _ => self.left_out(tree),
        }
    }

    fn left_out(&mut self, tree: &IdedExpr) -> Option<Lowered<'k>> {
        let detail = "this part of CEL is left out; write it another way.";
        self.fault(self.at(tree.id), detail.to_owned())
    }

    /// What has to be true or false.
    pub(super) fn condition(&mut self, of: &str, tree: &IdedExpr) -> Option<Form> {
        let (form, known) = self.lower(tree)?;
        match Class::of(&known) {
            None | Some(Class::Truth) => Some(form),
            Some(class) => {
                let written = written(tree);
                let detail = format!(
                    "{of} needs true or false, and {written} is {}; compare it, as in {written} != \
                     null.",
                    class.noun()
                );
                self.fault(self.at(tree.id), detail)
            }
        }
    }

    fn conditions(&mut self, of: &str, left: &IdedExpr, right: &IdedExpr) -> Option<[Form; 2]> {
        let (left, right) = (self.condition(of, left), self.condition(of, right));
        Some([left?, right?])
    }

    fn binary(
        &mut self,
        tree: &IdedExpr,
        operator: Operator,
        left: &IdedExpr,
        right: &IdedExpr,
    ) -> Option<Lowered<'k>> {
        let (one, other) = (self.lower(left), self.lower(right));
        let ((one, left), (other, right)) = (one?, other?);
        let classes = (Class::of(&left), Class::of(&right));
        if let Some(detail) = wrong(operator, classes) {
            return self.fault(self.at(tree.id), detail);
        }
        let known = match operator {
            operator if operator.compares() => Known::Value(Type::Boolean),
            Operator::Add => match (classes, left, right) {
                ((Some(Class::Text), _) | (_, Some(Class::Text)), ..) => Known::Value(Type::String),
                (_, Known::Any, _) | (_, _, Known::Any) => Known::Any,
                (_, left, right) => left.or(&right),
            },
            _ => match (left, right) {
                (Known::Any, _) | (_, Known::Any) => Known::Any,
                (left, right) => left.or(&right),
            },
        };
        Some((Form::Binary(operator, Box::new([one, other])), known))
    }

    fn index(&mut self, tree: &IdedExpr, of: &IdedExpr, at: &IdedExpr) -> Option<Lowered<'k>> {
        if let Expr::Literal(LiteralValue::String(name)) = &at.expr {
            return self.part(of, name.inner(), self.at(at.id));
        }
        let (one, other) = (self.lower(of), self.lower(at));
        let ((form, known), (place, by)) = (one?, other?);
        let element = match (&known, Class::of(&by)) {
            (Known::List(element), None | Some(Class::Number)) => element.as_ref().clone(),
            (Known::Entries(entries), _) => {
                entries.iter().fold(Known::Nothing, |one, (_, other)| one.or(other))
            }
            (Known::Any | Known::Nothing | Known::Table, _) => Known::Any,
            (Known::Parts(_), _) => {
                let detail = format!(
                    "the part of {} is chosen by its name; write it after a dot.",
                    written(of)
                );
                return self.fault(self.at(at.id), detail);
            }
            _ => {
                let detail = format!(
                    "[…] takes the number of an element of a list, the first being 0; {} cannot be \
                     read so. For a part of a text use substr().",
                    written(of)
                );
                return self.fault(self.at(tree.id), detail);
            }
        };
        Some((Form::Index(Box::new([form, place])), element))
    }

    /// Notes an argument that can never be what the function takes.
    pub(super) fn misfit(
        &mut self,
        function: &Function,
        takes: Takes,
        argument: &IdedExpr,
        known: &Known<'_>,
    ) -> bool {
        let Some(class) = Class::of(known) else { return false };
        let (fits, wanted) = match takes {
            Takes::Text => (class == Class::Text, "text"),
            Takes::Whole => (*known == Known::Value(Type::Integer), "a whole number"),
            Takes::List => (class == Class::List, "a list"),
            Takes::One => (!matches!(class, Class::List | Class::Parts), "one value"),
            _ => (true, ""),
        };
        if fits {
            return false;
        }
        let written = written(argument);
        let remedy = match (takes, class) {
            (Takes::Text | Takes::One, Class::List) => {
                format!("choose one, as in {written}[0], or go through all with map()")
            }
            (Takes::Text | Takes::One, Class::Parts) => "name one of its parts".to_owned(),
            (Takes::Text, _) => "write string(…) around it".to_owned(),
            (Takes::Whole, _) => "write int(…) around it".to_owned(),
            _ => "use another function".to_owned(),
        };
        let detail = format!(
            "{} takes {wanted} here, and {written} is {}; {remedy}.",
            function.name,
            class.noun()
        );
        self.fault::<()>(self.at(argument.id), detail);
        true
    }
}

/// Why two operands can never go together, with a remedy.
fn wrong(operator: Operator, classes: (Option<Class>, Option<Class>)) -> Option<String> {
    use Class::{List, Number, Parts, Text, Truth};
    let sign = operator.sign();
    if operator == Operator::In {
        return match classes.1 {
            Some(Text) => {
                Some("in looks into lists; whether a text is in a text says contains().".to_owned())
            }
            Some(class @ (Number | Truth)) => {
                Some(format!("in needs a list on its right side, and this is {}.", class.noun()))
            }
            _ => None,
        };
    }
    let only = |class: Class| format!("{sign} is not for {}; convert it before.", class.noun());
    match (operator, classes.0, classes.1) {
        (Operator::Equal | Operator::NotEqual, Some(one), Some(other)) if one != other => {
            Some(format!(
                "{} and {} are never equal; compare values of one kind{}.",
                one.noun(),
                other.noun(),
                if one == List || other == List { ", or use in" } else { "" }
            ))
        }
        (Operator::Add, Some(one), Some(other)) if one != other => Some(format!(
            "+ cannot put {} and {} together; write string(…) around what is not text.",
            one.noun(),
            other.noun()
        )),
        (Operator::Add, Some(class @ (Truth | Parts)), _)
        | (Operator::Add, _, Some(class @ (Truth | Parts))) => Some(only(class)),
        (Operator::Equal | Operator::NotEqual | Operator::Add, ..) => None,
        (operator, one, other) if operator.compares() => match (one, other) {
            (Some(class @ (List | Parts)), _) | (_, Some(class @ (List | Parts))) => {
                Some(only(class))
            }
            (Some(one), Some(other)) if one != other => Some(format!(
                "{} and {} have no order; compare values of one kind.",
                one.noun(),
                other.noun()
            )),
            _ => None,
        },
        (_, Some(class), _) | (_, _, Some(class)) if class != Number => Some(only(class)),
        _ => None,
    }
}

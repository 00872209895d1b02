//! From the parser's tree to a [`Form`], with everything checked that can be.

use super::Fault;
use crate::mapping::form::{Form, Shape, Steps, Walk};
use crate::scim::schema::{Attribute, ResourceType, Type};
use cel::IdedExpr;
use cel::common::ast::operators as words;
use cel::common::ast::{CallExpr, ComprehensionExpr, EntryExpr, Expr, LiteralValue, SourceInfo};
use serde_json::{Number, Value};

/// Most operations of an expression.
pub(super) const NODES: usize = 256;
/// How deeply operations are nested at most.
pub(super) const DEPTH: usize = 64;
/// How many macros are within one another at most.
const MACROS: usize = 2;
/// How many faults are told at once.
const FAULTS: usize = 10;

/// What is known of a value.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Known<'k> {
    Any,
    Nothing,
    Value(Type),
    List(Box<Known<'k>>),
    /// A value of one of these attributes, which have parts.
    Parts(Vec<&'k Attribute>),
    /// Keys that are written out, and their values.
    Entries(Vec<(String, Known<'k>)>),
    /// Keys and values.
    Table,
}

/// How much is known of one value at most: what is within itself twice doubles.
const SIZE: usize = 256;

impl<'k> Known<'k> {
    pub(super) fn of(attribute: &'k Attribute) -> Self {
        let one = Self::element_of(attribute);
        if attribute.multi_valued { Self::List(Box::new(one)) } else { one }
    }

    fn element_of(attribute: &'k Attribute) -> Self {
        match attribute.kind {
            Type::Complex => Self::Parts(vec![attribute]),
            kind => Self::Value(kind),
        }
    }

    pub(super) fn shape(&self) -> Shape {
        match self {
            Self::Any => Shape::Unknown,
            Self::Nothing => Shape::Nothing,
            Self::Value(kind) => Shape::Value(*kind),
            Self::List(element) => Shape::List(Box::new(element.shape())),
            Self::Parts(_) | Self::Entries(_) | Self::Table => Shape::Object,
        }
    }

    pub(super) fn from(shape: Shape) -> Self {
        match shape {
            Shape::Unknown => Self::Any,
            Shape::Nothing => Self::Nothing,
            Shape::Value(kind) => Self::Value(kind),
            Shape::List(element) => Self::List(Box::new(Self::from(*element))),
            Shape::Object => Self::Table,
        }
    }

    /// What is known of one or the other.
    pub(super) fn or(self, other: &Self) -> Self {
        match (self, other) {
            (one, Self::Nothing) => one,
            (Self::Nothing, other) => other.clone(),
            (Self::List(one), Self::List(other)) => Self::List(Box::new(one.or(other))),
            (Self::Parts(mut one), Self::Parts(others)) => {
                for other in others {
                    if !one.contains(other) {
                        one.push(other);
                    }
                }
                Self::Parts(one)
            }
            (one, other) if one == *other => one,
            // Parts of an attribute are not the entries of a table.
            (one, other) => match one.shape().or(other.shape()) {
                Shape::Object => Self::Any,
                shape => Self::from(shape),
            },
        }
    }

    /// Keys that are written out, and their values.
    fn entries(entries: Vec<(String, Self)>) -> Self {
        let size = entries.iter().fold(0, |size, (_, known)| known.size() + size);
        if size > SIZE { Self::Table } else { Self::Entries(entries) }
    }

    fn size(&self) -> usize {
        match self {
            Self::Entries(entries) => {
                entries.iter().fold(1, |size, (_, known)| size + known.size())
            }
            Self::List(element) => 1 + element.size(),
            Self::Parts(attributes) => attributes.len(),
            _ => 1,
        }
    }
}

/// A form, and what is known of its value.
pub(super) type Lowered<'k> = (Form, Known<'k>);

/// Compiling one expression.
pub(super) struct Lowering<'k> {
    pub(super) kind: &'k ResourceType,
    text: &'k str,
    info: &'k SourceInfo,
    pub(super) faults: Vec<Fault>,
    nodes: usize,
    depth: usize,
    pub(super) variables: Vec<(String, Known<'k>)>,
}

/// The form of a tree.
pub(super) fn form(
    kind: &ResourceType,
    text: &str,
    tree: &IdedExpr,
    info: &SourceInfo,
) -> Result<Form, Vec<Fault>> {
    let (faults, variables) = (Vec::new(), Vec::new());
    let mut lowering = Lowering { kind, text, info, faults, nodes: 0, depth: 0, variables };
    let lowered = lowering.lower(tree);
    let mut faults = lowering.faults;
    match lowered {
        Some((node, known)) if faults.is_empty() => {
            Ok(Form::Expression { node: Box::new(node), shape: known.shape() })
        }
        _ => {
            faults.sort_by_key(|fault| fault.at);
            faults.dedup();
            faults.truncate(FAULTS);
            Err(faults)
        }
    }
}

impl<'k> Lowering<'k> {
    /// Notes what is wrong; none, so that the caller can pass it on.
    pub(super) fn fault<T>(&mut self, at: usize, detail: String) -> Option<T> {
        self.faults.push(Fault { at, detail });
        None
    }

    /// Where a node stands, in characters from 1.
    pub(super) fn at(&self, id: u64) -> usize {
        self.characters(self.byte(id))
    }

    fn byte(&self, id: u64) -> usize {
        self.info.offset_for(id).and_then(|(start, _)| usize::try_from(start).ok()).unwrap_or(0)
    }

    fn characters(&self, byte: usize) -> usize {
        self.text.char_indices().take_while(|(at, _)| *at < byte).count() + 1
    }

    /// Where the name of a call stands: the parser notes its bracket.
    pub(super) fn name_at(&self, id: u64, name: &str) -> usize {
        let bracket = self.byte(id);
        let before = self.text.get(..bracket).unwrap_or_default().trim_end();
        self.characters(before.strip_suffix(name).map_or(bracket, str::len))
    }

    /// Where the name of a part stands: the parser notes its dot.
    pub(super) fn part_at(&self, id: u64) -> usize {
        let dot = self.byte(id);
        let after =
            self.text.get(dot..).and_then(|rest| rest.strip_prefix('.')).unwrap_or_default();
        let blank = after.len() - after.trim_start().len();
        self.characters(if after.is_empty() { dot } else { dot + 1 + blank })
    }

    /// Where the name of a part stands that `has` asks for: the parser notes the bracket of `has`,
    /// and what the name is a part of.
    pub(super) fn asked_at(&self, of: u64, name: &str) -> usize {
        let from = self.byte(of);
        let rest = self.text.get(from..).unwrap_or_default();
        let found = rest
            .match_indices(name)
            .find(|(at, _)| rest.get(..*at).is_some_and(|before| before.trim_end().ends_with('.')));
        self.characters(from + found.map_or(0, |(at, _)| at))
    }

    /// The form of a node; none where something is wrong with it, which has been noted.
    pub(super) fn lower(&mut self, tree: &IdedExpr) -> Option<Lowered<'k>> {
        self.nodes += 1;
        if self.nodes > NODES {
            if self.nodes == NODES + 1 {
                let detail = format!(
                    "the expression has more than {NODES} operations; shorten it, or use a table."
                );
                return self.fault(self.at(tree.id), detail);
            }
            return None;
        }
        if self.depth >= DEPTH {
            let detail = format!(
                "operations are nested deeper than {DEPTH} here; use join() for many texts, and \
                 lookup() for many cases."
            );
            return self.fault(self.at(tree.id), detail);
        }
        self.depth += 1;
        let lowered = self.node(tree);
        self.depth -= 1;
        lowered
    }

    fn node(&mut self, tree: &IdedExpr) -> Option<Lowered<'k>> {
        let at = self.at(tree.id);
        match &tree.expr {
            Expr::Literal(literal) => self.literal(literal, at),
            Expr::Ident(_) | Expr::Select(_) => self.named(tree),
            Expr::Call(call) => self.call(tree, call),
            Expr::Comprehension(walk) => self.walk(tree, walk),
            Expr::List(list) => {
                let elements: Vec<Option<Lowered<'k>>> =
                    list.elements.iter().map(|element| self.lower(element)).collect();
                let (forms, known): (Vec<Form>, Vec<Known<'k>>) =
                    elements.into_iter().collect::<Option<Vec<_>>>()?.into_iter().unzip();
                let element = known.into_iter().fold(Known::Nothing, |one, other| one.or(&other));
                Some((Form::List(forms), Known::List(Box::new(element))))
            }
            Expr::Map(map) => {
                let (mut entries, mut keys) = (Vec::new(), Some(Vec::new()));
                let mut wrong = false;
                for entry in &map.entries {
                    let EntryExpr::MapEntry(entry) = &entry.expr else { continue };
                    match (self.lower(&entry.key), self.lower(&entry.value)) {
                        (Some((key, Known::Any | Known::Value(_))), Some((value, known))) => {
                            match (&key, &mut keys) {
                                (Form::Literal(Value::String(key)), Some(keys)) => {
                                    keys.push((key.clone(), known));
                                }
                                _ => keys = None,
                            }
                            entries.push((key, value));
                        }
                        _ => wrong = true,
                    }
                }
                let known = keys.map_or(Known::Table, Known::entries);
                (!wrong).then_some((Form::Map(entries), known))
            }
            Expr::Struct(_) => self.fault(
                at,
                "messages with a type have no meaning here; write {\"name\": value}.".to_owned(),
            ),
            Expr::Unspecified => {
                self.fault(at, "the expression cannot be read here; write it another way.".into())
            }
        }
    }

    pub(super) fn literal(&mut self, literal: &LiteralValue, at: usize) -> Option<Lowered<'k>> {
        let (value, known) = match literal {
            LiteralValue::Null => (Value::Null, Known::Nothing),
            LiteralValue::Boolean(truth) => {
                (Value::Bool(*truth.inner()), Known::Value(Type::Boolean))
            }
            LiteralValue::Int(whole) => (Value::from(*whole.inner()), Known::Value(Type::Integer)),
            LiteralValue::UInt(whole) => match i64::try_from(*whole.inner()) {
                Ok(whole) => (Value::from(whole), Known::Value(Type::Integer)),
                Err(_too_large) => {
                    let detail = "the whole number is too large; it has 63 bits and a sign.";
                    return self.fault(at, detail.to_owned());
                }
            },
            LiteralValue::Double(number) => match Number::from_f64(*number.inner()) {
                Some(number) => (Value::Number(number), Known::Value(Type::Decimal)),
                None => return self.fault(at, "the number is too large; use another.".to_owned()),
            },
            LiteralValue::String(text) => {
                (Value::String(text.inner().to_owned()), Known::Value(Type::String))
            }
            LiteralValue::Bytes(_) => {
                let detail = "bytes have no meaning here; leave out the b before the quote.";
                return self.fault(at, detail.to_owned());
            }
        };
        Some((Form::Literal(value), known))
    }

    fn walk(&mut self, tree: &IdedExpr, walk: &ComprehensionExpr) -> Option<Lowered<'k>> {
        let Some((how, condition, yields)) = recognized(walk) else {
            return self.fault(self.at(tree.id), "this macro is left out; use another.".to_owned());
        };
        if self.variables.len() >= MACROS {
            let detail = "a macro is within a macro that is within another; two at most can be.";
            return self.fault(self.at(tree.id), detail.to_owned());
        }
        let (over, known) = self.lower(&walk.iter_range)?;
        let element = match known {
            Known::List(element) => *element,
            Known::Any | Known::Nothing => Known::Any,
            Known::Entries(_) | Known::Table => Known::Value(Type::String),
            Known::Value(_) | Known::Parts(_) => {
                let detail = format!(
                    "{} is not a list, so there is nothing to walk through; use it as it is.",
                    written(&walk.iter_range)
                );
                return self.fault(self.at(walk.iter_range.id), detail);
            }
        };
        self.variables.push((walk.iter_var.clone(), element));
        let condition = condition.map(|tree| self.condition("the condition of a macro", tree));
        let yields = yields.map(|tree| self.lower(tree));
        self.variables.pop();
        let condition = match condition {
            None => None,
            Some(lowered) => Some(lowered?),
        };
        let (yields, known) = match yields {
            None => (Form::Literal(Value::Null), Known::Value(Type::Boolean)),
            Some(lowered) => {
                let (form, known) = lowered?;
                (form, Known::List(Box::new(known)))
            }
        };
        Some((Form::Walk(how, Box::new(Steps { over, condition, yields })), known))
    }
}

/// A node as it is written, for sentences.
pub(super) fn written(tree: &IdedExpr) -> String {
    match &tree.expr {
        Expr::Ident(name) => name.clone(),
        Expr::Select(select) => format!("{}.{}", written(&select.operand), select.field),
        Expr::Call(call) => match (call.func_name.as_str(), call.args.as_slice()) {
            (words::INDEX, [of, at]) => match &at.expr {
                Expr::Literal(LiteralValue::Int(at)) => {
                    format!("{}[{}]", written(of), at.inner())
                }
                _ => format!("{}[…]", written(of)),
            },
            _ => "what stands here".to_owned(),
        },
        _ => "what stands here".to_owned(),
    }
}

/// Which macro the parser has made this of: what is asked, the condition, and what is collected.
type Recognized<'t> = (Walk, Option<&'t IdedExpr>, Option<&'t IdedExpr>);

fn recognized(walk: &ComprehensionExpr) -> Option<Recognized<'_>> {
    let Expr::Call(step) = &walk.loop_step.expr else { return None };
    let collected = |tree: &'_ IdedExpr| -> bool {
        matches!(&tree.expr, Expr::Call(call) if call.func_name == words::ADD)
    };
    match (&walk.accu_init.expr, step.func_name.as_str()) {
        (Expr::Literal(LiteralValue::Boolean(_)), words::LOGICAL_AND) => {
            Some((Walk::All, Some(step.args.get(1)?), None))
        }
        (Expr::Literal(LiteralValue::Boolean(_)), words::LOGICAL_OR) => {
            Some((Walk::Exists, Some(step.args.get(1)?), None))
        }
        (Expr::Literal(LiteralValue::Int(_)), words::CONDITIONAL) => {
            Some((Walk::ExistsOne, Some(step.args.first()?), None))
        }
        (Expr::List(_), words::ADD) => Some((Walk::Collect, None, Some(added(step)?))),
        (Expr::List(_), words::CONDITIONAL) => {
            let tree = step.args.get(1).filter(|tree| collected(tree))?;
            let Expr::Call(call) = &tree.expr else { return None };
            Some((Walk::Collect, Some(step.args.first()?), Some(added(call)?)))
        }
        _ => None,
    }
}

/// The one element that is added to what was collected.
fn added(call: &CallExpr) -> Option<&IdedExpr> {
    match &call.args.get(1)?.expr {
        Expr::List(list) => list.elements.first(),
        _ => None,
    }
}

//! Calls of functions, and the arguments that have to be written out.

use super::functions::{Function, Takes, Target};
use super::lower::{Known, Lowered, Lowering};
use super::{FUNCTIONS, operators};
use crate::mapping::form::{Form, Pattern, Shape, folded};
use crate::mapping::suggest;
use crate::scim::schema::Type;
use cel::IdedExpr;
use cel::common::ast::operators as words;
use cel::common::ast::{CallExpr, EntryExpr, Expr, LiteralValue};
use serde_json::Value;
use std::collections::BTreeMap;

impl<'k> Lowering<'k> {
    pub(super) fn call(&mut self, tree: &IdedExpr, call: &CallExpr) -> Option<Lowered<'k>> {
        let name = call.func_name.as_str();
        if call.target.is_none() && (name == words::INDEX || operators::is_operator(name)) {
            return self.operation(tree, call);
        }
        let at = self.name_at(tree.id, name);
        let Some(function) = Function::named(name) else {
            return self.fault(at, unknown_function(name));
        };
        let arguments: Vec<&IdedExpr> =
            call.target.as_deref().into_iter().chain(&call.args).collect();
        let surplus =
            arguments.len().checked_sub(1).is_some_and(|last| function.takes(last).is_none());
        if function.target == Target::Macro || surplus || arguments.len() < function.needs {
            let signature = function.signature();
            return self
                .fault(at, format!("{name} is written {signature}; compare the arguments."));
        }
        let mut lowered = Vec::with_capacity(arguments.len());
        let mut wrong = false;
        for (position, argument) in arguments.iter().enumerate() {
            let takes = function.takes(position).unwrap_or(Takes::Any);
            if matches!(takes, Takes::Quoted | Takes::Table) {
                continue;
            }
            match self.lower(argument) {
                Some(one) => {
                    wrong |= self.misfit(function, takes, argument, &one.1);
                    lowered.push(one);
                }
                None => wrong = true,
            }
        }
        if wrong {
            return None;
        }
        self.function(function, &arguments, lowered)
    }

    /// A function with its arguments; those that have to be written out are not lowered.
    fn function(
        &mut self,
        function: &'static Function,
        arguments: &[&IdedExpr],
        lowered: Vec<Lowered<'k>>,
    ) -> Option<Lowered<'k>> {
        let written = arguments.get(1).copied();
        let (mut forms, known): (Vec<Form>, Vec<Known<'k>>) = lowered.into_iter().unzip();
        Some(match function.target {
            Target::Call(builtin) => {
                if function.name == "formatDate" {
                    self.date_pattern(written?)?;
                }
                (Form::Call(builtin, forms), operators::given(function.gives))
            }
            Target::First => (
                Form::First(forms),
                known.into_iter().fold(Known::Nothing, |one, other| one.or(&other)),
            ),
            Target::Matches => {
                let pattern = self.pattern(written?)?;
                (Form::Matches(Box::new(forms.pop()?), pattern), Known::Value(Type::Boolean))
            }
            Target::Lookup => {
                let entries = self.table(written?)?;
                let values = entries.values().map(Shape::of).fold(Shape::Nothing, Shape::or);
                let default = (forms.len() > 1).then(|| forms.pop()).flatten().map(Box::new);
                let form = Form::Lookup { key: Box::new(forms.pop()?), entries, default };
                let default = known.into_iter().nth(1).unwrap_or(Known::Nothing);
                (form, Known::from(values).or(&default))
            }
            Target::Macro => return None,
        })
    }

    fn pattern(&mut self, tree: &IdedExpr) -> Option<Pattern> {
        let at = self.at(tree.id);
        let Expr::Literal(LiteralValue::String(pattern)) = &tree.expr else {
            let detail = "the pattern of matches stands in quotes, so that it can be checked; write \
                          it out.";
            return self.fault(at, detail.to_owned());
        };
        match Pattern::compile(pattern.inner()) {
            Ok(pattern) => Some(pattern),
            Err(wrong) => self.fault(at, format!("the pattern cannot be used: {wrong}.")),
        }
    }

    /// Refuses letters that people know from other patterns and that would be copied here.
    fn date_pattern(&mut self, tree: &IdedExpr) -> Option<()> {
        let Expr::Literal(LiteralValue::String(pattern)) = &tree.expr else { return Some(()) };
        let rest = ["yyyy", "MM", "dd", "HH", "mm", "ss"]
            .iter()
            .fold(pattern.inner().to_owned(), |rest, token| rest.replace(token, " "));
        match rest.chars().find(|letter| letter.is_ascii_alphabetic() && !"TZ".contains(*letter)) {
            None => Some(()),
            Some(letter) => {
                let detail = format!(
                    "{letter} has no meaning in the pattern of a date; use yyyy MM dd HH mm ss."
                );
                self.fault(self.at(tree.id), detail)
            }
        }
    }

    fn table(&mut self, tree: &IdedExpr) -> Option<BTreeMap<String, Value>> {
        let Expr::Map(map) = &tree.expr else {
            let detail = "the table of lookup is written out; write it as {\"a\": \"b\"}.";
            return self.fault(self.at(tree.id), detail.to_owned());
        };
        let mut entries = BTreeMap::new();
        let mut wrong = false;
        for entry in &map.entries {
            let EntryExpr::MapEntry(entry) = &entry.expr else { continue };
            let mut literal = |tree: &IdedExpr| {
                if let Expr::Literal(literal) = &tree.expr {
                    return match self.literal(literal, self.at(tree.id)) {
                        Some((Form::Literal(value), _)) => Some(value),
                        _ => None,
                    };
                }
                let detail = "keys and values of a table are hardcoded; write a text in quotes, \
                                  a number, true or false.";
                self.fault(self.at(tree.id), detail.to_owned())
            };
            let (Some(key), Some(value)) = (literal(&entry.key), literal(&entry.value)) else {
                wrong = true;
                continue;
            };
            if entries.insert(folded(&key), value).is_some() {
                wrong = true;
                let detail = "the table has this key already, in some case; remove one of them.";
                self.fault::<()>(self.at(entry.key.id), detail.to_owned());
            }
        }
        (!wrong).then_some(entries)
    }
}

fn unknown_function(name: &str) -> String {
    const ELSEWHERE: &[(&str, &str)] = &[
        ("lowerAscii", "lower"),
        ("upperAscii", "upper"),
        ("toLowerCase", "lower"),
        ("toUpperCase", "upper"),
        ("substring", "substr"),
        ("length", "size"),
        ("uint", "int"),
        ("ifEmpty", "default"),
        ("normalizeDiacritics", "transliterate"),
    ];
    if matches!(name, "now" | "today" | "random" | "uuid" | "range") {
        return format!(
            "there is no {name}(): equal profiles give equal values; use what is in the profile."
        );
    }
    let known = FUNCTIONS.iter().map(|function| function.name);
    let near = match ELSEWHERE.iter().find(|(elsewhere, _)| *elsewhere == name) {
        Some((_, ours)) => format!(" Did you mean {ours}?"),
        None => suggest::nearest(name, known),
    };
    format!("there is no function {name}.{near}")
}

//! Walking through a form.

use super::builtin;
use super::datum::Datum;
use super::fuel::{Fuel, Stopped};
use super::{Facts, Form, Operator, Steps, Walk, folded};
use serde_json::Value;

/// One evaluation: what it may look at, the variables of the macros around it, and its budget.
pub(super) struct Evaluation<'a> {
    facts: Facts<'a>,
    variables: Vec<Datum<'a>>,
    fuel: Fuel,
}

impl<'a> Evaluation<'a> {
    pub(super) const fn new(facts: &Facts<'a>) -> Self {
        Self { facts: *facts, variables: Vec::new(), fuel: Fuel::full() }
    }

    #[cfg(test)]
    pub(super) const fn spent(&self) -> usize {
        self.fuel.spent()
    }

    /// The value of a form. It calls itself as deeply as the form is nested, so what each kind of
    /// node needs stays in functions of its own, where it takes no room on the way down.
    pub(super) fn datum(&mut self, form: &'a Form) -> Result<Datum<'a>, Stopped> {
        self.fuel.spend(1)?;
        match form {
            Form::Literal(value) => Ok(Datum::of(value)),
            Form::Read(selector) => Ok(Datum::held(selector.read(self.facts.resource))),
            Form::Variable(slot) => Ok(self.variables.get(*slot).cloned().unwrap_or(Datum::Null)),
            Form::Expression { node, .. } => self.datum(node),
            Form::Part(of, name) => self.datum(of)?.part(name, &mut self.fuel),
            Form::Present(of) => Ok(Datum::Bool(!self.datum(of)?.is_empty())),
            Form::Not(of) => self.truth("!", of).map(|truth| Datum::Bool(!truth)),
            Form::And(pair) => self.logic("&&", false, pair),
            Form::Or(pair) => self.logic("||", true, pair),
            Form::Binary(operator, pair) => self.binary(*operator, pair),
            Form::Conditional(forms) => self.conditional(forms),
            Form::Call(builtin, arguments) => {
                let arguments = self.all(arguments)?;
                builtin::call(*builtin, &arguments, &mut self.fuel)
            }
            Form::First(forms) => self.first(forms),
            Form::Negative(of) => negative(&self.datum(of)?),
            Form::Index(pair) => self.index(pair),
            Form::List(forms) => self.all(forms).map(Datum::list),
            Form::Map(entries) => self.map(entries),
            Form::Walk(walk, steps) => self.walk(*walk, steps),
            Form::Matches(of, pattern) => {
                let text = self.datum(of)?;
                pattern.is_in(&text, &mut self.fuel).map(Datum::Bool)
            }
            Form::Lookup { key, entries, default } => self.lookup(key, entries, default.as_deref()),
            other => self.looked_at(other),
        }
    }

    /// What only has to be looked at.
    fn looked_at(&mut self, form: &'a Form) -> Result<Datum<'a>, Stopped> {
        let resource = self.facts.resource;
        Ok(match form {
            Form::ReadAll(selector) => {
                let mut values = Vec::new();
                for value in selector.read_all(resource) {
                    self.fuel.push(values.len())?;
                    values.push(Datum::of(value));
                }
                Datum::list(values)
            }
            Form::Join(template) => match template.render(resource) {
                None => Datum::Null,
                Some(text) => {
                    self.fuel.write(text.len())?;
                    Datum::text(&text)
                }
            },
            Form::Reference(selector) => selector
                .read(resource)
                .and_then(Value::as_str)
                .and_then(|id| self.facts.accounts.get(id))
                .map_or(Datum::Null, |account| Datum::borrowed(account)),
            Form::Assigned(field) => Datum::held(self.facts.assigned.get(field)),
            Form::Attribute { extension, name } => {
                let holder = match extension {
                    None => Some(resource),
                    Some(urn) => resource.get(urn).and_then(Value::as_object),
                };
                Datum::held(holder.and_then(|holder| holder.get(name)))
            }
            _ => Datum::Null,
        })
    }

    fn all(&mut self, forms: &'a [Form]) -> Result<Vec<Datum<'a>>, Stopped> {
        forms.iter().map(|form| self.datum(form)).collect()
    }

    fn first(&mut self, forms: &'a [Form]) -> Result<Datum<'a>, Stopped> {
        for form in forms {
            let value = self.datum(form)?;
            if !value.is_empty() {
                return Ok(value);
            }
        }
        Ok(Datum::Null)
    }

    /// True or false; no value is false.
    fn truth(&mut self, of: &'static str, form: &'a Form) -> Result<bool, Stopped> {
        match self.datum(form)? {
            Datum::Null => Ok(false),
            Datum::Bool(truth) => Ok(truth),
            other => Err(Stopped::Kind { of, takes: "true or false", given: other.noun() }),
        }
    }

    /// As in CEL, one side that decides is enough, even if the other has no value at all.
    fn logic(
        &mut self,
        of: &'static str,
        decides: bool,
        [left, right]: &'a [Form; 2],
    ) -> Result<Datum<'a>, Stopped> {
        match self.truth(of, left) {
            Ok(truth) if truth == decides => Ok(Datum::Bool(decides)),
            Ok(_) => self.truth(of, right).map(Datum::Bool),
            Err(stopped) if !stopped.is_tolerable() => Err(stopped),
            Err(stopped) => match self.truth(of, right) {
                Ok(truth) if truth == decides => Ok(Datum::Bool(decides)),
                Err(other) if !other.is_tolerable() => Err(other),
                _ => Err(stopped),
            },
        }
    }

    fn binary(
        &mut self,
        operator: Operator,
        [left, right]: &'a [Form; 2],
    ) -> Result<Datum<'a>, Stopped> {
        let left = self.datum(left)?;
        let right = self.datum(right)?;
        operator.apply(left, right, &mut self.fuel)
    }

    fn conditional(&mut self, [test, yes, no]: &'a [Form; 3]) -> Result<Datum<'a>, Stopped> {
        if self.truth("?:", test)? { self.datum(yes) } else { self.datum(no) }
    }

    fn index(&mut self, [of, at]: &'a [Form; 2]) -> Result<Datum<'a>, Stopped> {
        let of = self.datum(of)?;
        let at = self.datum(at)?;
        match (&of, &at) {
            (Datum::Null, _) | (_, Datum::Null) => Ok(Datum::Null),
            (list, Datum::Int(at)) if list.is_list() => {
                Ok(usize::try_from(*at).map_or(Datum::Null, |at| list.element(at)))
            }
            (Datum::Map(_) | Datum::Held(Value::Object(_)), Datum::Text(name)) => {
                of.part(name, &mut self.fuel)
            }
            (list, at) if list.is_list() => {
                Err(Stopped::Kind { of: "[]", takes: "the number of an element", given: at.noun() })
            }
            (of, _) => Err(Stopped::Kind { of: "[]", takes: "a list", given: of.noun() }),
        }
    }

    fn map(&mut self, entries: &'a [(Form, Form)]) -> Result<Datum<'a>, Stopped> {
        let mut map = Vec::with_capacity(entries.len());
        for (key, value) in entries {
            let key = match self.datum(key)? {
                Datum::Text(key) => key,
                other => {
                    let given = other.noun();
                    return Err(Stopped::Kind { of: "{}", takes: "text as a key", given });
                }
            };
            let value = self.datum(value)?;
            map.push((key, value));
        }
        Ok(Datum::Map(std::rc::Rc::new(map)))
    }

    fn lookup(
        &mut self,
        key: &'a Form,
        entries: &'a std::collections::BTreeMap<String, Value>,
        default: Option<&'a Form>,
    ) -> Result<Datum<'a>, Stopped> {
        // A table translates the values of a list one by one.
        let key = self.datum(key)?;
        if !key.is_list() {
            return self.looked_up(&key, entries, default);
        }
        let mut values = Vec::new();
        for at in 0..key.length().unwrap_or(0) {
            self.fuel.spend(1)?;
            let value = self.looked_up(&key.element(at), entries, default)?;
            if !value.is_null() {
                self.fuel.push(values.len())?;
                values.push(value);
            }
        }
        Ok(Datum::list(values))
    }

    fn looked_up(
        &mut self,
        key: &Datum<'a>,
        entries: &'a std::collections::BTreeMap<String, Value>,
        default: Option<&'a Form>,
    ) -> Result<Datum<'a>, Stopped> {
        let key = match key {
            Datum::Null => None,
            Datum::Text(text) => {
                self.fuel.read(text.len())?;
                let text = text.trim();
                if !text.is_ascii() {
                    // It is taken apart and put together several times, and one letter of three
                    // bytes can stand for eighteen.
                    self.fuel.spend(text.len().saturating_mul(2))?;
                }
                Some(crate::scim::value::fold(text))
            }
            Datum::Bool(_) | Datum::Int(_) | Datum::Double(_) => {
                self.fuel.spend(builtin::NUMBER)?;
                Some(folded(&key.clone().into_result()?))
            }
            other => {
                let takes = "one value";
                return Err(Stopped::Kind { of: "lookup", takes, given: other.noun() });
            }
        };
        match (key.and_then(|key| entries.get(&key)), default) {
            (Some(value), _) => Ok(Datum::of(value)),
            (None, Some(default)) => self.datum(default),
            (None, None) => Ok(Datum::Null),
        }
    }

    fn walk(&mut self, walk: Walk, steps: &'a Steps) -> Result<Datum<'a>, Stopped> {
        let over = self.datum(&steps.over)?;
        let length = match (&over, over.length()) {
            (Datum::Null, _) => 0,
            (_, Some(length)) => length,
            (other, None) => {
                return Err(Stopped::Kind { of: "a macro", takes: "a list", given: other.noun() });
            }
        };
        let slot = self.variables.len();
        let over = over.walked(&mut self.fuel)?;
        let result = self.walked(walk, steps, &over, length);
        self.variables.truncate(slot);
        result
    }

    fn walked(
        &mut self,
        walk: Walk,
        steps: &'a Steps,
        over: &Datum<'a>,
        length: usize,
    ) -> Result<Datum<'a>, Stopped> {
        let slot = self.variables.len();
        let (mut met, mut collected, mut failed) = (0_usize, Vec::new(), None);
        for at in 0..length {
            self.fuel.spend(1)?;
            self.variables.truncate(slot);
            self.variables.push(over.element(at));
            let meets = match &steps.condition {
                None => true,
                Some(condition) => match self.truth("the condition of a macro", condition) {
                    Ok(meets) => meets,
                    // As with && and ||, another element may decide.
                    Err(stopped)
                        if stopped.is_tolerable() && matches!(walk, Walk::All | Walk::Exists) =>
                    {
                        failed = failed.or(Some(stopped));
                        continue;
                    }
                    Err(stopped) => return Err(stopped),
                },
            };
            match (walk, meets) {
                (Walk::All, false) => return Ok(Datum::Bool(false)),
                (Walk::Exists, true) => return Ok(Datum::Bool(true)),
                (Walk::Collect, true) => {
                    self.fuel.push(collected.len())?;
                    collected.push(self.datum(&steps.yields)?);
                }
                (_, meets) => met += usize::from(meets),
            }
        }
        match (walk, failed) {
            (_, Some(stopped)) => Err(stopped),
            (Walk::All, None) => Ok(Datum::Bool(true)),
            (Walk::Exists, None) => Ok(Datum::Bool(false)),
            (Walk::ExistsOne, None) => Ok(Datum::Bool(met == 1)),
            (Walk::Collect, None) => Ok(Datum::list(collected)),
        }
    }
}

fn negative<'a>(value: &Datum<'a>) -> Result<Datum<'a>, Stopped> {
    match value {
        Datum::Null => Ok(Datum::Null),
        Datum::Int(whole) => whole.checked_neg().map(Datum::Int).ok_or(Stopped::Overflow("-")),
        Datum::Double(number) => Ok(Datum::Double(-number)),
        other => Err(Stopped::Kind { of: "-", takes: "a number", given: other.noun() }),
    }
}

//! A plan: what to build, leaf by leaf, and building it.
//!
//! INVARIANT: the output holds what the plan names and nothing else. Nothing of the input is
//! carried along; a member that the plan does not name is never looked at.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::iter::Peekable;

use serde_json::map::Iter;
use serde_json::{Map, Value};
use time::format_description::well_known::Rfc3339;
use time::macros::offset;
use time::{Date, Month, OffsetDateTime};

use super::both::is_blank;
use super::net::{self, Echo};
use super::operation::{self, Band, Operation};
use crate::domain::{Body, Class, Context, Fault, Leaf, LeafName, LeafTable, Shape};
use crate::mutant::{self, Mutant};

/// The member that brings every foreign body of one release schema to one length.
pub(super) const PAD: &str = "pad";
/// How the name of a leaf that holds a date of birth ends.
pub(super) const BIRTH: &str = "/birth/date";

/// A compiled policy's output, as a tree.
#[derive(Debug)]
pub struct Plan {
    root: BTreeMap<String, Node>,
    foreign: bool,
    free: bool,
    /// Direct leaves that do not pass: what the net must not find again.
    protected: Vec<LeafName>,
    /// Dates of birth that do not pass as they are.
    births: Vec<LeafName>,
    /// Direct leaves, and dates of birth, that pass as they are.
    kept: Vec<LeafName>,
    pad_to: usize,
}

#[derive(Debug)]
pub(super) enum Node {
    Object(BTreeMap<String, Node>),
    Objects { members: BTreeMap<String, Node>, max: u32, required: bool },
    Leaf(Box<Step>),
}

/// What is done for one leaf.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) name: LeafName,
    pub(super) operation: Operation,
    /// `None` for a counted array of objects.
    pub(super) leaf: Option<Leaf>,
    /// Whether the net looks at what comes out.
    pub(super) free: bool,
    /// Whether the plan that this one was compared with does the very same here.
    pub(super) alike: bool,
}

impl Step {
    pub(super) fn required(&self) -> bool {
        match self.operation {
            Operation::Constant(_) | Operation::Count(_) => true,
            Operation::Hold => false,
            _ => self.leaf.as_ref().is_some_and(|leaf| leaf.required),
        }
    }
}

/// How much of the net a projection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    /// All of it: what passes, and for the officer what stands in what is held.
    AndNote,
    /// What decides: what passes. Nobody will read notes.
    Decide,
    /// None: only to measure what building alone takes.
    Nowhere,
}

/// What was built, and what could not be.
#[derive(Debug)]
pub(super) struct Built {
    pub(super) body: Value,
    /// Leaves that are null because an officer has to look first.
    pub(super) pending: Vec<LeafName>,
    /// Leaves that could not be evaluated or that the net hit.
    pub(super) failed: Vec<(LeafName, bool, Fault)>,
    pub(super) subject: Option<crate::domain::Id>,
}

impl Plan {
    pub(super) fn new(
        table: &LeafTable,
        operations: &BTreeMap<String, Operation>,
        foreign: bool,
    ) -> Self {
        let mut plan = Self {
            root: BTreeMap::new(),
            foreign,
            free: false,
            protected: Vec::new(),
            births: Vec::new(),
            kept: Vec::new(),
            pad_to: 0,
        };
        for (name, operation) in operations {
            let leaf = table.leaf(name);
            if let Some(leaf) = leaf {
                let is_birth = name.ends_with(BIRTH);
                let is_secret = leaf.class == Class::Direct && is_free(&leaf.shape);
                match (is_secret, is_birth, *operation == Operation::Keep) {
                    (true, _, true) | (_, true, true) => plan.kept.push(leaf.name.clone()),
                    (true, _, false) => plan.protected.push(leaf.name.clone()),
                    (false, true, false) => plan.births.push(leaf.name.clone()),
                    (false, false, _) => {}
                }
            }
            if *operation == Operation::Drop {
                continue;
            }
            let free = leaf.is_some_and(|leaf| {
                matches!(operation, Operation::Keep | Operation::Hold)
                    && leaf.class != Class::Direct
                    && is_free(&leaf.shape)
            });
            plan.free |= free;
            let step = Step {
                name: LeafName::new(name),
                operation: operation.clone(),
                leaf: leaf.cloned(),
                free,
                alike: false,
            };
            let segments: Vec<&str> = name.split('/').skip(1).collect();
            insert(&mut plan.root, "", &segments, step, table);
        }
        plan.pad_to = if foreign { super::release_schema::longest(&plan) } else { 0 };
        plan
    }

    /// Whether any string of a release is free to vary.
    pub fn has_free_leaves(&self) -> bool {
        self.free
    }

    pub(super) fn root(&self) -> &BTreeMap<String, Node> {
        &self.root
    }

    pub(super) fn foreign(&self) -> bool {
        self.foreign
    }

    pub(super) fn pad_to(&self) -> usize {
        self.pad_to
    }

    /// Notes where this plan does the very same as `other`: what that one built from a body and
    /// passed need not be built from it and looked at again. Answers what differs.
    pub(super) fn compare(&mut self, other: &Self) -> Vec<LeafName> {
        let same_echo = (&self.protected, &self.births, &self.kept)
            == (&other.protected, &other.births, &other.kept);
        let mut differing = Vec::new();
        compare(&mut self.root, Some(&other.root), same_echo, &mut differing);
        differing
    }

    /// Builds the output for one body. `earlier` is what the plan that this one was compared with
    /// built from the same body in the same context.
    pub(super) fn project(
        &self,
        body: &Body,
        context: &Context<'_>,
        look: Look,
        earlier: Option<&Value>,
    ) -> Built {
        let echo = if look == Look::Nowhere { Echo::default() } else { self.echo(body, context) };
        let mut built =
            Built { body: Value::Null, pending: Vec::new(), failed: Vec::new(), subject: None };
        let mut work = Work { context, echo: &echo, look, built: &mut built, indices: Vec::new() };
        let mut output = work.object(&self.root, Some(body.value()), earlier);
        if self.foreign {
            match length_of(&output).and_then(|length| self.pad_to.checked_sub(length)) {
                Some(missing) => drop(output.insert(PAD.to_owned(), "_".repeat(missing).into())),
                // longer than the plan can build: no length may tell one body from another
                None => built.failed.push((LeafName::new("/"), true, Fault::at("", "pad"))),
            }
        }
        built.body = Value::Object(output);
        built
    }

    fn echo(&self, body: &Body, context: &Context<'_>) -> Echo {
        if !self.free {
            return Echo::default();
        }
        let left_out = |name: &&LeafName| context.blank.contains(name);
        let protected = self.protected.iter().chain(self.kept.iter().filter(left_out));
        let own = protected.flat_map(|name| {
            body.values(name).into_iter().filter_map(move |value| Some((name, value.as_str()?)))
        });
        let is_birth = |name: &LeafName| name.as_str().ends_with(BIRTH);
        // what the recipient has by this very plan is no secret from it
        let is_kept = |leaf: &LeafName| self.kept.contains(leaf) && !left_out(&leaf);
        let earlier = || context.protected.iter().filter(|p| !is_kept(&p.leaf));
        let values = earlier().filter(|p| !is_birth(&p.leaf));
        let values = own.chain(values.map(|p| (&p.leaf, p.value.as_str())));
        let births = self.births.iter().chain(self.kept.iter().filter(left_out));
        let births = births.filter(|name| is_birth(name));
        let births = births.filter_map(|name| body.text(name.as_str()));
        let before = earlier().filter(|p| is_birth(&p.leaf));
        Echo::new(values, births.chain(before.map(|p| p.value.as_str())))
    }
}

/// Length of the canonical form: keys are ASCII and sorted, numbers are integers.
pub(super) fn length_of(value: &Map<String, Value>) -> Option<usize> {
    serde_json::to_vec(value).ok().map(|bytes| bytes.len())
}

pub(super) fn is_free(shape: &Shape) -> bool {
    matches!(shape, Shape::Pattern { .. } | Shape::Text { .. })
}

fn insert(
    into: &mut BTreeMap<String, Node>,
    above: &str,
    segments: &[&str],
    step: Step,
    table: &LeafTable,
) {
    let [first, rest @ ..] = segments else { return };
    let place = format!("{above}/{first}");
    match rest {
        [] => {
            into.insert((*first).to_owned(), Node::Leaf(Box::new(step)));
        }
        ["*", rest @ ..] => {
            let bounds = table.arrays.get(&place);
            let node = into.entry((*first).to_owned()).or_insert_with(|| Node::Objects {
                members: BTreeMap::new(),
                max: bounds.map_or(0, |bounds| bounds.max),
                required: false,
            });
            if let Node::Objects { members, .. } = node {
                insert(members, &format!("{place}/*"), rest, step, table);
            }
        }
        _ => {
            let node =
                into.entry((*first).to_owned()).or_insert_with(|| Node::Object(BTreeMap::new()));
            if let Node::Object(members) = node {
                insert(members, &place, rest, step, table);
            }
        }
    }
}

/// Marks the steps that do the same as those of `other` at the same place; the net's word about a
/// free leaf is the same only if it searches for the same.
fn compare(
    nodes: &mut BTreeMap<String, Node>,
    other: Option<&BTreeMap<String, Node>>,
    same_echo: bool,
    differing: &mut Vec<LeafName>,
) {
    for (name, node) in nodes {
        let other = other.and_then(|other| other.get(name));
        match node {
            Node::Object(members) | Node::Objects { members, .. } => {
                let below = match other {
                    Some(Node::Object(below) | Node::Objects { members: below, .. }) => Some(below),
                    Some(Node::Leaf(_)) | None => None,
                };
                compare(members, below, same_echo, differing);
            }
            Node::Leaf(step) => {
                step.alike = match other {
                    Some(Node::Leaf(other)) => {
                        let same = (&step.operation, &step.leaf, step.free)
                            == (&other.operation, &other.leaf, other.free);
                        same && (same_echo || !step.free)
                    }
                    _ => false,
                };
                if !step.alike {
                    differing.push(step.name.clone());
                }
            }
        }
    }
}

struct Work<'a, 'b> {
    context: &'a Context<'b>,
    echo: &'a Echo,
    look: Look,
    built: &'a mut Built,
    /// Where in the arrays above the work stands.
    indices: Vec<usize>,
}

impl Work<'_, '_> {
    fn object(
        &mut self,
        members: &BTreeMap<String, Node>,
        input: Option<&Value>,
        earlier: Option<&Value>,
    ) -> Map<String, Value> {
        let mut rest = input.and_then(Value::as_object).map(|input| input.iter().peekable());
        // collected rather than inserted one by one: the names are in order
        let planted = super::planted::left(members, input);
        let built = members.iter().map(|(name, node)| {
            let value = rest.as_mut().and_then(|rest| member(rest, name));
            let earlier = earlier.and_then(|earlier| earlier.get(name));
            let built = match node {
                Node::Object(members) => Value::Object(self.object(members, value, earlier)),
                Node::Objects { .. } if is_blank(node, self.context.blank) => Value::Null,
                Node::Objects { members, .. } => self.objects(members, value, earlier),
                Node::Leaf(step) => self.leaf(step, value, earlier),
            };
            (name.clone(), built)
        });
        built.chain(planted).collect()
    }

    fn objects(
        &mut self,
        members: &BTreeMap<String, Node>,
        value: Option<&Value>,
        earlier: Option<&Value>,
    ) -> Value {
        let Some(items) = value.and_then(Value::as_array) else { return Value::Null };
        let mut output = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            let earlier = earlier.and_then(|earlier| earlier.get(index));
            self.indices.push(index);
            output.push(Value::Object(self.object(members, Some(item), earlier)));
            self.indices.pop();
        }
        Value::Array(output)
    }

    fn leaf(&mut self, step: &Step, value: Option<&Value>, earlier: Option<&Value>) -> Value {
        if self.context.blank.contains(&step.name) {
            return Value::Null;
        }
        let is_released = self.context.released.contains(&step.name);
        if step.operation == Operation::Hold && !is_released {
            if let Some(value) = value {
                self.hold(step, value);
            }
            return Value::Null;
        }
        // null is what failed or was not there: that is decided again
        let again = earlier.filter(|earlier| step.alike && !earlier.is_null());
        let output = match again {
            Some(earlier) => earlier.clone(),
            None => match self.evaluated(step, value, is_released) {
                Ok(output) => output,
                Err(_) if mutant::is(Mutant::UnchangedOnError) => {
                    value.cloned().unwrap_or_default()
                }
                Err(rule) => return self.fail(step, rule),
            },
        };
        if step.name.as_str() == "/subject/ref" {
            self.built.subject = output.as_str().and_then(|id| id.parse().ok());
        }
        output
    }

    /// What comes out and passes the net, or the rule that stops it.
    fn evaluated(
        &self,
        step: &Step,
        value: Option<&Value>,
        is_released: bool,
    ) -> Result<Value, &'static str> {
        let output = evaluate(step, value, self.context, self.look)?;
        let is_looked_at = step.free && !is_released && self.look != Look::Nowhere;
        match is_looked_at.then(|| self.hit(&output)).flatten() {
            Some(rule) => Err(rule),
            None => Ok(output),
        }
    }

    /// Keeps a text back, and notes for the officer what the net finds in it.
    fn hold(&mut self, step: &Step, value: &Value) {
        if !self.built.pending.contains(&step.name) {
            self.built.pending.push(step.name.clone());
        }
        if self.look != Look::AndNote {
            return;
        }
        let mut rules: Vec<_> =
            net::scan_value("", value, self.echo).into_iter().map(|hit| hit.rule).collect();
        rules.sort_unstable();
        rules.dedup();
        let faults = rules.into_iter().map(|rule| Fault::at(step.name.as_str(), rule));
        self.built.failed.extend(faults.map(|fault| (step.name.clone(), false, fault)));
    }

    fn hit(&self, output: &Value) -> Option<&'static str> {
        net::scan_value("", output, self.echo).first().map(|hit| hit.rule)
    }

    fn fail(&mut self, step: &Step, rule: &'static str) -> Value {
        let fault = Fault::at(self.pointer(step), rule);
        self.built.failed.push((step.name.clone(), step.required(), fault));
        Value::Null
    }

    /// The leaf's name with the indices in place of `*`; only a fault needs it.
    fn pointer(&self, step: &Step) -> String {
        let mut indices = self.indices.iter();
        let mut pointer = String::new();
        for segment in step.name.segments() {
            pointer.push('/');
            match (segment, indices.len()) {
                ("*", 1..) => pointer.extend(indices.next().map(usize::to_string)),
                _ => pointer.push_str(segment),
            }
        }
        pointer
    }
}

/// The member of that name, for names that are asked for in order: both sides are walked once. A
/// member out of its order would not be found, and so not passed on.
fn member<'v>(rest: &mut Peekable<Iter<'v>>, name: &str) -> Option<&'v Value> {
    while let Some((key, value)) = rest.peek().copied() {
        let order = key.as_str().cmp(name);
        if order.is_gt() {
            return None;
        }
        rest.next();
        if order.is_eq() {
            return Some(value);
        }
    }
    None
}

/// What comes out for one leaf; `Err` with a rule id if it cannot be evaluated.
fn evaluate(
    step: &Step,
    value: Option<&Value>,
    context: &Context<'_>,
    look: Look,
) -> Result<Value, &'static str> {
    if let Operation::Constant(constant) = &step.operation {
        return Ok(constant.as_str().into());
    }
    if let Operation::Count(cap) = &step.operation {
        let count = value.and_then(Value::as_array).map_or(0, Vec::len);
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        return Ok(operation::count_name(count, *cap).into());
    }
    let Some(value) = value else { return Ok(Value::Null) };
    let text = || value.as_str().ok_or("shape");
    match &step.operation {
        Operation::Drop | Operation::Constant(_) | Operation::Count(_) => Err("shape"),
        Operation::Keep | Operation::Hold => Ok(value.clone()),
        Operation::CodeMap(map) => mapped(value, map),
        Operation::Year | Operation::HalfYear | Operation::Month => {
            let day = day_in_jakarta(step, text()?).ok_or("date")?;
            let year = day.get(..4).ok_or("date")?;
            match step.operation {
                Operation::Year => Ok(year.into()),
                Operation::Month => Ok(day.get(..7).ok_or("date")?.into()),
                _ => {
                    let month: u8 = day.get(5..7).and_then(|m| m.parse().ok()).ok_or("date")?;
                    Ok(format!("{year}-H{}", if month <= 6 { 1 } else { 2 }).into())
                }
            }
        }
        Operation::AgeBand(bands) => age_band(text()?, bands, context.reference_date),
        Operation::Adm1 => operation::province(text()?).map(Value::from).ok_or("place"),
        Operation::Country => operation::province(text()?).map(|_| "IDN".into()).ok_or("place"),
        Operation::Bucket(edges) => {
            let number = value.as_i64().ok_or("shape")?;
            operation::bucket_name(number, edges).map(Value::from).ok_or("shape")
        }
        Operation::Pseudonym => pseudonym(step, text()?, context, look),
    }
}

/// The day of an instant, which begins and ends in Jakarta; a date is its own.
fn day_in_jakarta<'t>(step: &Step, text: &'t str) -> Option<Cow<'t, str>> {
    if step.leaf.as_ref().is_none_or(|leaf| leaf.shape != Shape::DateTime) {
        return Some(Cow::Borrowed(text));
    }
    let instant = OffsetDateTime::parse(text, &Rfc3339).ok()?;
    let date = instant.checked_to_offset(offset!(+7))?.date();
    Some(Cow::Owned(date.to_string()))
}

fn mapped(value: &Value, map: &BTreeMap<String, String>) -> Result<Value, &'static str> {
    let one = |value: &Value| {
        value.as_str().and_then(|code| map.get(code)).cloned().ok_or("unmapped-code")
    };
    match value {
        Value::Array(_) if mutant::is(Mutant::SkipsArrays) => Ok(value.clone()),
        Value::Array(items) => {
            // order and repetition would tell what the table hides
            let mut codes = items.iter().map(one).collect::<Result<Vec<_>, _>>()?;
            codes.sort();
            codes.dedup();
            Ok(Value::from(codes))
        }
        value => one(value).map(Value::from),
    }
}

fn pseudonym(
    step: &Step,
    reference: &str,
    context: &Context<'_>,
    look: Look,
) -> Result<Value, &'static str> {
    const ATTEMPTS_MAX: u32 = 64;
    let kind = step.leaf.as_ref().and_then(|leaf| leaf.reference.as_deref()).ok_or("reference")?;
    (0..ATTEMPTS_MAX)
        .map(|attempt| context.pseudonyms.pseudonym(kind, reference, attempt))
        .find(|id| look == Look::Nowhere || net::scan_shapes(id.as_str()).is_none())
        .map(|id| id.as_str().into())
        .ok_or("reference")
}

/// The band, if every day that the value allows falls in it.
pub(super) fn age_band(
    birth: &str,
    bands: &[Band],
    reference: Date,
) -> Result<Value, &'static str> {
    let (first, last) = days_allowed(birth).ok_or("date")?;
    let band = |born: Date| {
        let age = age_on(born, reference)?;
        bands.iter().find(|band| (band.1..=band.2).contains(&age)).map(|band| band.0.as_str())
    };
    match (band(first), band(last)) {
        (Some(one), Some(other)) if one == other => Ok(one.into()),
        _ => Err("age-band"),
    }
}

fn days_allowed(birth: &str) -> Option<(Date, Date)> {
    let mut parts = birth.split('-');
    let year: i32 = parts.next()?.parse().ok()?;
    let month = parts.next().map(|m| m.parse::<u8>().ok().and_then(|m| Month::try_from(m).ok()));
    let day = parts.next().map(|d| d.parse::<u8>().ok());
    match (month, day) {
        (None, _) => Some((
            Date::from_calendar_date(year, Month::January, 1).ok()?,
            Date::from_calendar_date(year, Month::December, 31).ok()?,
        )),
        (Some(month), None) => {
            let month = month?;
            let last = month.length(year);
            Some((
                Date::from_calendar_date(year, month, 1).ok()?,
                Date::from_calendar_date(year, month, last).ok()?,
            ))
        }
        (Some(month), Some(day)) => {
            let date = Date::from_calendar_date(year, month?, day?).ok()?;
            Some((date, date))
        }
    }
}

fn age_on(born: Date, on: Date) -> Option<i32> {
    let had_birthday = (u8::from(on.month()), on.day()) >= (u8::from(born.month()), born.day());
    let age = on.year() - born.year() - i32::from(!had_birthday);
    (born <= on).then_some(age)
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::date;

    #[test]
    fn a_band_is_told_only_if_every_day_allowed_falls_in_it() {
        let bands = [Band("under_18".into(), 0, 17), Band("adult".into(), 18, 150)];
        let on = date!(2026 - 11 - 24);
        let told = |birth: &str| age_band(birth, &bands, on);
        assert_eq!(told("2011-03-05"), Ok("under_18".into()));
        assert_eq!(told("2008-11-24"), Ok("adult".into()));
        assert_eq!(told("2008-11-25"), Ok("under_18".into()));
        assert_eq!(told("2008-11"), Err("age-band"));
        assert_eq!(told("2008-10"), Ok("adult".into()));
        assert_eq!(told("2008"), Err("age-band"));
        assert_eq!(told("2009"), Ok("under_18".into()));
        assert_eq!(told("2027-01-01"), Err("age-band"));
        assert_eq!(told("2011-02-30"), Err("date"));
    }
}

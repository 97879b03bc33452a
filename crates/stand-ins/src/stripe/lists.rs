//! Pages of lists, newest first.

use serde_json::{Value, json};

use super::errors::ApiError;
use super::form::Form;
use super::state::Record;

/// The parameters that every list takes.
pub(crate) const PARAMETERS: &[&str] = &["limit", "starting_after", "ending_before", "created", "expand"];

/// The size of a page: 10 unless asked for otherwise.
pub(crate) fn limit(form: &Form) -> Result<usize, ApiError> {
    let limit = form.integer("limit")?.unwrap_or(10);
    usize::try_from(limit).ok().filter(|limit| (1..=100).contains(limit)).ok_or_else(|| {
        let message = "This value must be between 1 and 100 inclusive.";
        ApiError::invalid(message).code("parameter_invalid_integer").param("limit")
    })
}

/// One page of the given rows, which come newest first.
pub(crate) fn page<'a, T: Record + 'a>(
    form: &Form,
    url: &str,
    rows: impl Iterator<Item = &'a T>,
    created: impl Fn(&T) -> i64,
    render: impl Fn(&T) -> Value,
) -> Result<Value, ApiError> {
    let limit = limit(form)?;
    let in_range = created_range(form)?;
    let rows: Vec<&T> = rows.filter(|row| in_range(created(row))).collect();
    let position = |param: &str, id: &str| {
        rows.iter().position(|row| row.id() == id).ok_or_else(|| ApiError::missing_param(T::KIND, param, id))
    };

    let (start, end, has_more) = if let Some(id) = form.text("ending_before") {
        let end = position("ending_before", id)?;
        let start = end.saturating_sub(limit);
        (start, end, start > 0)
    } else {
        let start = match form.text("starting_after") {
            Some(id) => position("starting_after", id)? + 1,
            None => 0,
        };
        let end = (start + limit).min(rows.len());
        (start, end, end < rows.len())
    };
    let data: Vec<Value> = rows[start..end].iter().map(|row| render(row)).collect();
    Ok(json!({ "object": "list", "url": url, "has_more": has_more, "data": data }))
}

fn created_range(form: &Form) -> Result<impl Fn(i64) -> bool, ApiError> {
    let exactly = form.integer("created")?;
    let [above, from, below, to] = ["created[gt]", "created[gte]", "created[lt]", "created[lte]"];
    let (above, from) = (form.integer(above)?, form.integer(from)?);
    let (below, to) = (form.integer(below)?, form.integer(to)?);
    Ok(move |created| {
        exactly.is_none_or(|time| created == time)
            && above.is_none_or(|time| created > time)
            && from.is_none_or(|time| created >= time)
            && below.is_none_or(|time| created < time)
            && to.is_none_or(|time| created <= time)
    })
}

//! The rows of `check` that a source and a store share: connection, version, clock.

use super::{Body, Call, Client, Method};
use crate::{check::Check, error::Result, model::Time};
use serde_json::Value;

/// Whether the cluster answers, which product and version it is, and whether its clock agrees with ours.
pub async fn server(client: &Client, now: Time) -> Vec<Check> {
    let what = "cluster reachable";
    let engine = match client.engine().await {
        Ok(engine) => engine,
        Err(error) => return vec![Check::failed(what, &error)],
    };
    let mut rows = vec![Check::new(what, Ok(format!("{engine} on {}", client.addresses().join(", "))))];
    // If the clock cannot be read, the row is left out: that is no fault.
    if let Ok(Some(theirs)) = clock(client).await {
        rows.push(Check::clock(theirs, now));
    }
    rows
}

/// The cluster's clock: the `Date` header if a proxy sends one, else the engine's own time, which may need the right to
/// monitor.
async fn clock(client: &Client) -> Result<Option<Time>> {
    let doing = "cannot ask for the time";
    let answer = client.send(&Call::new(doing, Method::GET, "_cat/health?h=epoch&format=json", Body::None)).await?;
    if answer.date.is_some() {
        return Ok(answer.date);
    }
    let rows: Value = answer.json(doing)?;
    let epoch = rows.pointer("/0/epoch").and_then(Value::as_str).and_then(|epoch| epoch.parse().ok());
    Ok(epoch.map(Time::from_seconds))
}

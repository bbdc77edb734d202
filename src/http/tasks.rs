//! Tasks that do not get done: the gateway tries them ever more rarely, and somebody should look why.

use actix_web::HttpResponse;
use serde::{Deserialize, Serialize};

use super::{
    ask::Ask,
    problem::Problem,
    wire::{self, AfterId, Page, ok},
};
use crate::{security::access::Target, store::FailingTask};

/// A task whose steps failed more than three times in a row.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct TaskWire {
    pub id: i64,
    /// What it is to do: `read`, `query`, `collect`, `send`, `plan`, `expire`, `announce`, `deliver` or `reseal`.
    pub kind: String,
    /// About what: a batch, or the number of an instruction, a document, a notice or a subscription.
    pub subject: String,
    /// The bank that it calls.
    pub bank: Option<String>,
    /// Failed steps in a row.
    pub failures: u32,
    /// Why the last one failed, without people.
    pub last_error: String,
    pub failed_at: Option<String>,
    /// When it is tried again.
    pub due: String,
}

/// Tasks whose steps failed more than three times in a row, by number.
#[utoipa::path(
    get, path = "/v1/tasks", params(AfterId), responses((status = 200, body = Page<TaskWire>))
)]
pub(super) async fn list(ask: Ask) -> Result<HttpResponse, Problem> {
    ask.may(Target::Gateway)?;
    let paging: AfterId = ask.query()?;
    let limit = wire::size(paging.limit)?;
    let after = wire::key(paging.after)?;
    let found = ask.store().failing_tasks(after, limit + 1).await?;
    Ok(ok(&Page::<TaskWire>::of(found, limit, |task| {
        task.id.to_string()
    })))
}

impl From<FailingTask> for TaskWire {
    fn from(task: FailingTask) -> Self {
        Self {
            id: task.id,
            kind: task.kind.code().into(),
            subject: task.subject,
            bank: task.bank,
            failures: task.failures,
            last_error: task.last_error,
            failed_at: task.failed_at.map(|at| at.to_string()),
            due: task.due.to_string(),
        }
    }
}

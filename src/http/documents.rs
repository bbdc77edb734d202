//! Documents that show something: noted with their keeper, named by hash, and looked at by whoever reads the batch that they stand behind.

use actix_web::{HttpResponse, http::header, web};

use super::{
    ask::Ask,
    problem::Problem,
    refusal::{bad_request, internal, not_there, unprocessable},
};
use crate::{
    evidence::{EvidenceError, Kept},
    store::KeptDocument,
};

/// Characters of a media type that are noted.
const MEDIA_TYPE: usize = 100;

/// Notes what the evidence store has just kept, as the caller's and the project's.
pub(super) async fn note(ask: &Ask, kept: Kept, project: Option<&str>) -> Result<(), Problem> {
    let media_type = ask.header(&header::CONTENT_TYPE);
    let media_type = media_type.split(';').next().unwrap_or_default().trim();
    let media_type = if media_type.is_empty() {
        "application/octet-stream"
    } else {
        media_type
    };
    let document = KeptDocument {
        hash: kept.hash,
        by: ask.caller.name.clone(),
        project: project.map(str::to_owned),
        media_type: media_type.chars().take(MEDIA_TYPE).collect(),
        size: kept.size,
        at: ask.now(),
    };
    Ok(ask.store().keep_document(&document).await?)
}

/// The document of a hash that the caller names, whole. One that others kept for other projects is not there.
pub(super) async fn named(ask: &Ask, field: &str, hash: &str) -> Result<Kept, Problem> {
    let hash = digest(hash).ok_or_else(|| {
        unprocessable(
            format!("`{field}` is the hash of a document that was kept: 64 hexadecimal digits"),
            vec![],
        )
    })?;
    let absent = || {
        unprocessable(
            format!(
                "`{field}`: nothing with this hash was kept by you or for your projects; upload it first (POST /v1/evidence?project=)"
            ),
            vec![],
        )
    };
    let noted = ask
        .store()
        .kept_document(hash, &ask.sees()?, &ask.caller.name)
        .await?;
    let noted = noted.ok_or_else(absent)?;
    // Read to its end: what is damaged shows nothing.
    let evidence = ask.api.gateway.evidence.clone();
    let size = web::block(move || evidence.look_through(&hash));
    let size = size.await.map_err(|error| internal(&error))?;
    let size = size.map_err(|error: EvidenceError| Problem::from(error))?;
    match size {
        Some(size) if size == noted.size => Ok(Kept { hash, size }),
        Some(_) | None => Err(unprocessable(
            format!(
                "`{field}`: the document is damaged in the evidence store; upload it again, and tell the operator"
            ),
            vec![],
        )),
    }
}

pub(super) fn digest(text: &str) -> Option<[u8; 32]> {
    hex::decode(text).ok()?.try_into().ok()
}

/// A document behind the batch, as it was kept. It may name people: the look is recorded.
#[utoipa::path(
    get, path = "/v1/batches/{code}/evidence/{hash}",
    params(("hash" = String, Path, description = "SHA-256 of the document, as the batch lists it", pattern = "^[0-9a-fA-F]{64}$")),
    responses((status = 200, description = "The bytes as they were kept", body = Vec<u8>, content_type = "application/octet-stream"))
)]
pub(super) async fn show(ask: Ask) -> Result<HttpResponse, Problem> {
    let batch = ask.batch().await?;
    let hash = digest(ask.part("hash"))
        .ok_or_else(|| bad_request("the hash is 64 hexadecimal digits, as the batch lists it"))?;
    let story = ask.store().story(&batch.code).await?;
    if !story.evidence.iter().any(|behind| behind.hash == hash) {
        return Err(not_there(
            "no document of this hash stands behind the batch",
        ));
    }
    let evidence = ask.api.gateway.evidence.clone();
    let there = web::block(move || evidence.reader(&hash).map(drop)).await;
    there
        .map_err(|error| internal(&error))?
        .map_err(|error: EvidenceError| Problem::from(error))?;
    let name = hex::encode(hash);
    let detail = format!("document {name}");
    ask.store()
        .audit(
            ask.now(),
            &ask.caller.name,
            "people.reveal",
            &batch.code,
            &detail,
        )
        .await?;
    // Whatever it was said to be, a browser is not to run it.
    Ok(HttpResponse::Ok()
        .content_type("application/octet-stream")
        .insert_header((
            header::CONTENT_DISPOSITION,
            format!("attachment; filename=\"{name}\""),
        ))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .streaming(ask.api.gateway.evidence.stream(hash)))
}

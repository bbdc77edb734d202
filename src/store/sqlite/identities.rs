//! Principals with their history, and certificates: one look by key for each request, everything else is rare.

use async_trait::async_trait;
use jiff::Timestamp;
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, SqliteConnection};

use super::{CHUNK, SqliteStore, audit, write};
use crate::security::principal::{Principal, Role, Scope};
use crate::security::revocation::{Fingerprint, Serial};
use crate::store::chain::Act;
use crate::store::columns::Columns;
use crate::store::identities::*;
use crate::store::{Conflict, Recorded, StoreError};

#[async_trait]
impl Identities for SqliteStore {
    async fn recognise(
        &self,
        uri: &str,
        certificate: &CertificateKey,
    ) -> Result<Option<Recognised>, StoreError> {
        let row = sqlx::query(
            "SELECT p.uri, p.role, p.scope, p.state, p.version,
               (SELECT count(*) FROM certificate_revoked r WHERE r.issuer = $2 AND r.serial = $3) AS revoked,
               (SELECT s.last_seen FROM certificate_seen s WHERE s.issuer = $2 AND s.serial = $3) AS noted
             FROM principal p WHERE p.uri = $1",
        )
        .bind(uri)
        .bind(certificate.issuer.bytes().as_slice())
        .bind(certificate.serial.bytes())
        .fetch_optional(&self.readers)
        .await?;
        let recognised = |row: &SqliteRow| {
            Ok(Recognised {
                principal: somebody(row)?,
                version: row.number("version")?,
                standing: row.parsed("state", Standing::from_code)?,
                revoked: row.int("revoked")? > 0,
                noted: row.maybe_moment("noted")?,
            })
        };
        row.as_ref().map(recognised).transpose()
    }

    async fn admit_unknown(
        &self,
        principals: &[Principal],
        by: &str,
        at: Timestamp,
    ) -> Result<Vec<String>, StoreError> {
        let mut tx = write(&self.writer).await?;
        let mut new = Vec::new();
        for part in principals.chunks(CHUNK) {
            let mut query = QueryBuilder::new(
                "INSERT INTO principal (uri, role, scope, state, version, by_whom, at) ",
            );
            query.push_values(part, |mut values, principal| {
                values
                    .push_bind(&principal.name)
                    .push_bind(principal.role.code())
                    .push_bind(principal.scope.stored())
                    .push_bind(Standing::Active.code())
                    .push("1")
                    .push_bind(by)
                    .push_bind(at.as_millisecond());
            });
            query.push(" ON CONFLICT (uri) DO NOTHING RETURNING uri, role, scope, state, version, by_whom, at");
            for row in query.build().fetch_all(&mut *tx).await? {
                let view = view(&row)?;
                keep(&mut tx, None, &view, "principal.admit").await?;
                new.push(view.principal.name);
            }
        }
        tx.commit().await?;
        Ok(new)
    }

    async fn admit(
        &self,
        principal: &Principal,
        by: &str,
        at: Timestamp,
    ) -> Result<PrincipalView, StoreError> {
        let new = self
            .admit_unknown(std::slice::from_ref(principal), by, at)
            .await?;
        if new.is_empty() {
            return Err(Conflict::AlreadyKnown {
                uri: principal.name.clone(),
            }
            .into());
        }
        self.principal(&principal.name).await
    }

    async fn change_principal(
        &self,
        uri: &str,
        change: &PrincipalChange,
        by: &str,
        at: Timestamp,
    ) -> Result<PrincipalView, StoreError> {
        let mut tx = write(&self.writer).await?;
        let before = one(&mut tx, uri).await?;
        let Some(next) = before.changed(change, by, at) else {
            return Ok(before);
        };
        if before.governs() && !next.governs() && operators(&mut tx).await? < 2 {
            return Err(Conflict::LastOperator.into());
        }
        sqlx::query("UPDATE principal SET scope = $2, state = $3, version = $4, by_whom = $5, at = $6 WHERE uri = $1")
            .bind(uri)
            .bind(next.principal.scope.stored())
            .bind(next.standing.code())
            .bind(i64::from(next.version))
            .bind(&next.by)
            .bind(next.at.as_millisecond())
            .execute(&mut *tx)
            .await?;
        keep(&mut tx, Some(&before), &next, change.action()).await?;
        tx.commit().await?;
        Ok(next)
    }

    async fn principal(&self, uri: &str) -> Result<PrincipalView, StoreError> {
        one(&mut *self.readers.acquire().await?, uri).await
    }

    async fn principals(&self, after: &str, limit: u32) -> Result<Vec<PrincipalView>, StoreError> {
        let rows = sqlx::query(
            "SELECT uri, role, scope, state, version, by_whom, at FROM principal WHERE uri > $1 ORDER BY uri LIMIT $2",
        )
        .bind(after)
        .bind(i64::from(limit))
        .fetch_all(&self.readers)
        .await?;
        rows.iter().map(view).collect()
    }

    async fn principal_history(&self, uri: &str) -> Result<Vec<PrincipalView>, StoreError> {
        let rows = sqlx::query(
            "SELECT uri, role, scope, state, version, by_whom, at FROM principal_version WHERE uri = $1 ORDER BY version",
        )
        .bind(uri)
        .fetch_all(&self.readers)
        .await?;
        rows.iter().map(view).collect()
    }

    async fn note_certificate(&self, seen: &SeenCertificate) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO certificate_seen (issuer, serial, uri, not_after, first_seen, last_seen) VALUES ($1, $2, $3, $4, $5, $5)
             ON CONFLICT (issuer, serial) DO UPDATE SET last_seen = max(certificate_seen.last_seen, excluded.last_seen)",
        )
        .bind(seen.key.issuer.bytes().as_slice())
        .bind(seen.key.serial.bytes())
        .bind(&seen.uri)
        .bind(seen.not_after.as_millisecond())
        .bind(seen.at.as_millisecond())
        .execute(&self.writer)
        .await?;
        Ok(())
    }

    async fn revoke_certificate(&self, revocation: &Revocation) -> Result<Recorded, StoreError> {
        let mut tx = write(&self.writer).await?;
        let new = sqlx::query(
            "INSERT INTO certificate_revoked (issuer, serial, reason, by_whom, at) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (issuer, serial) DO NOTHING",
        )
        .bind(revocation.key.issuer.bytes().as_slice())
        .bind(revocation.key.serial.bytes())
        .bind(revocation.reason.code())
        .bind(&revocation.by)
        .bind(revocation.at.as_millisecond())
        .execute(&mut *tx)
        .await?
        .rows_affected();
        if new == 0 {
            return Ok(Recorded::Seen);
        }
        let (subject, detail) = (
            format!("{:?}", revocation.key.serial),
            format!(
                "{}, issuer {:?}",
                revocation.reason.code(),
                revocation.key.issuer
            ),
        );
        let act = Act {
            at: revocation.at,
            who: &revocation.by,
            action: "certificate.revoke",
            subject: &subject,
            detail: &detail,
            before: None,
            after: Some(revocation.print()),
        };
        audit::record(&mut tx, &act).await?;
        tx.commit().await?;
        Ok(Recorded::New)
    }

    async fn certificates(
        &self,
        after: Option<&CertificateKey>,
        limit: u32,
    ) -> Result<Vec<CertificateView>, StoreError> {
        let after = after.map_or((vec![], vec![]), |key| {
            (key.issuer.bytes().to_vec(), key.serial.bytes().to_vec())
        });
        let rows = sqlx::query(
            "SELECT k.issuer, k.serial, s.uri, s.not_after, s.first_seen, s.last_seen, r.reason, r.by_whom, r.at
             FROM (SELECT issuer, serial FROM certificate_seen UNION SELECT issuer, serial FROM certificate_revoked) k
             LEFT JOIN certificate_seen s ON s.issuer = k.issuer AND s.serial = k.serial
             LEFT JOIN certificate_revoked r ON r.issuer = k.issuer AND r.serial = k.serial
             WHERE (k.issuer, k.serial) > ($1, $2) ORDER BY k.issuer, k.serial LIMIT $3",
        )
        .bind(after.0)
        .bind(after.1)
        .bind(i64::from(limit))
        .fetch_all(&self.readers)
        .await?;
        rows.iter().map(certificate).collect()
    }
}

async fn one(connection: &mut SqliteConnection, uri: &str) -> Result<PrincipalView, StoreError> {
    let row = sqlx::query(
        "SELECT uri, role, scope, state, version, by_whom, at FROM principal WHERE uri = $1",
    )
    .bind(uri)
    .fetch_optional(connection)
    .await?;
    view(&row.ok_or_else(|| unknown(uri))?)
}

async fn operators(connection: &mut SqliteConnection) -> Result<i64, StoreError> {
    let count = sqlx::query_scalar("SELECT count(*) FROM principal WHERE role = $1 AND state = $2")
        .bind(Role::Operator.code())
        .bind(Standing::Active.code());
    Ok(count.fetch_one(connection).await?)
}

/// Appends a version to the history and to the audit log.
async fn keep(
    tx: &mut SqliteConnection,
    before: Option<&PrincipalView>,
    version: &PrincipalView,
    action: &str,
) -> Result<(), StoreError> {
    sqlx::query("INSERT INTO principal_version (uri, version, role, scope, state, by_whom, at) VALUES ($1, $2, $3, $4, $5, $6, $7)")
        .bind(&version.principal.name)
        .bind(i64::from(version.version))
        .bind(version.principal.role.code())
        .bind(version.principal.scope.stored())
        .bind(version.standing.code())
        .bind(&version.by)
        .bind(version.at.as_millisecond())
        .execute(&mut *tx)
        .await?;
    let act = Act {
        at: version.at,
        who: &version.by,
        action,
        subject: &version.principal.name,
        detail: &version.detail(),
        before: before.map(PrincipalView::print),
        after: Some(version.print()),
    };
    audit::record(tx, &act).await
}

fn somebody(row: &SqliteRow) -> Result<Principal, StoreError> {
    Ok(Principal {
        name: row.text("uri")?,
        role: row.parsed("role", Role::from_code)?,
        scope: row.parsed("scope", Scope::from_stored)?,
    })
}

fn view(row: &SqliteRow) -> Result<PrincipalView, StoreError> {
    Ok(PrincipalView {
        principal: somebody(row)?,
        standing: row.parsed("state", Standing::from_code)?,
        version: row.number("version")?,
        by: row.text("by_whom")?,
        at: row.moment("at")?,
    })
}

fn certificate(row: &SqliteRow) -> Result<CertificateView, StoreError> {
    let key = CertificateKey {
        issuer: Fingerprint::from_bytes(row.array("issuer")?),
        serial: Serial::new(&row.bytes("serial")?),
    };
    let seen = match row.maybe_text("uri")? {
        Some(uri) => Some(Sight {
            uri,
            not_after: row.moment("not_after")?,
            first: row.moment("first_seen")?,
            last: row.moment("last_seen")?,
        }),
        None => None,
    };
    let revoked = match row.maybe_text("reason")? {
        Some(_) => Some(Revocation {
            key: key.clone(),
            reason: row.parsed("reason", RevocationReason::from_code)?,
            by: row.text("by_whom")?,
            at: row.moment("at")?,
        }),
        None => None,
    };
    Ok(CertificateView { key, seen, revoked })
}

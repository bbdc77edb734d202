//! One request whose caller's role fits the door it came to. A handler that takes [`Ask`] cannot be reached without that role; the scope is
//! its own first question.

use std::{
    fmt,
    future::{Ready, ready},
    sync::Arc,
};

use actix_web::{
    FromRequest, HttpRequest,
    dev::Payload,
    http::{StatusCode, header::HeaderName},
    web,
};
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use wagegate_domain::ids::Region;

use super::{
    chinese,
    doors::{Door, door_of},
    health::Dated,
    identity::{Caller, Gate},
    openapi::terms,
    problem::Problem,
    refusal::bad_request,
    terms::Terms,
};
use crate::{
    gateway::Gateway,
    security::{
        access::{Denied, Target},
        principal::{Identity, Principal, Scope},
    },
    store::{BatchView, Store, StoreError, Within},
};

/// What all handlers work with.
pub struct Api {
    /// The gateway behind the doors.
    pub gateway: Arc<Gateway>,
    /// What runs out: certificates and revocation lists.
    pub dated: Arc<Vec<Dated>>,
    /// Largest wage sheet, bytes.
    pub sheet_bytes_max: u64,
    /// How long the answer to a request under an `Idempotency-Key` is kept.
    pub answers_kept_days: u32,
}

impl fmt::Debug for Api {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Api").finish_non_exhaustive()
    }
}

/// A request with its caller.
#[derive(Debug)]
pub struct Ask {
    /// Who asks.
    pub caller: Principal,
    /// What all handlers work with.
    pub api: Arc<Api>,
    door: &'static Door,
    request: HttpRequest,
}

impl FromRequest for Ask {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        ready(
            Caller::from_request(request, payload)
                .into_inner()
                .and_then(|caller| Self::admit(caller, request)),
        )
    }
}

impl Ask {
    fn admit(caller: Caller, request: &HttpRequest) -> Result<Self, Problem> {
        let caller = caller.principal;
        let (Some(door), Some(web::ThinData(api))) = (
            door_of(request),
            request.app_data::<web::ThinData<Arc<Api>>>(),
        ) else {
            return Err(Denied::Role.into());
        };
        caller.ever_may(door.action)?;
        if let Some(terms) = terms(door) {
            terms.fit(request)?;
        }
        Ok(Self {
            caller,
            api: Arc::clone(api),
            door,
            request: request.clone(),
        })
    }

    /// Says whether the caller may do what this door does to `target`.
    pub(super) fn may(&self, target: Target<'_>) -> Result<(), Denied> {
        self.caller.may(self.door.action, target)
    }

    /// The same for a project, by its code and county.
    pub(super) fn may_project(&self, code: &str, region: Region) -> Result<(), Denied> {
        self.may(Target::Project {
            code,
            region: &region.to_string(),
        })
    }

    /// The batch named in the path, if the caller may do this to it.
    pub(super) async fn batch(&self) -> Result<BatchView, Problem> {
        let batch = self.within(self.store().batch(self.part("code")).await)?;
        self.may_project(&batch.project, batch.region)?;
        Ok(batch)
    }

    /// What the store found, for somebody who sees a part of the world: what is not there is refused in the words for what lies outside it, so
    /// that a refusal does not tell what there is.
    pub(super) fn within<T>(&self, found: Result<T, StoreError>) -> Result<T, Problem> {
        match found {
            Err(StoreError::NotFound { .. }) if self.caller.scope != Scope::All => {
                Err(Denied::Scope.into())
            }
            found => Ok(found?),
        }
    }

    /// Whose projects the caller's lists show.
    pub(super) fn sees(&self) -> Result<Within, Denied> {
        match &self.caller.scope {
            Scope::All => Ok(Within::All),
            Scope::Projects(codes) => Ok(Within::Projects(codes.clone())),
            Scope::Region(prefix) => Ok(Within::Region(prefix.clone())),
            Scope::Bank(_) => Err(Denied::Scope),
        }
    }

    /// The bank that calls.
    pub(super) fn bank(&self) -> Result<&str, Problem> {
        match &self.caller.scope {
            Scope::Bank(code) => {
                self.may(Target::Bank(code))?;
                Ok(code)
            }
            Scope::All | Scope::Projects(_) | Scope::Region(_) => Err(Denied::Scope.into()),
        }
    }

    pub(super) fn store(&self) -> &dyn Store {
        &*self.api.gateway.store
    }

    pub(super) fn now(&self) -> Timestamp {
        self.api.gateway.clock.now()
    }

    /// The certificate that came with the connection.
    pub(super) fn identity(&self) -> Option<&Identity> {
        self.request.conn_data()
    }

    /// The door's keeper, who knows the authorities.
    pub(super) fn gate(&self) -> Option<&Gate> {
        let gate = self.request.app_data::<web::ThinData<Arc<Gate>>>();
        gate.map(|gate| &***gate)
    }

    /// A part of the path.
    pub(super) fn part(&self, name: &str) -> &str {
        self.request.match_info().get(name).unwrap_or_default()
    }

    /// A header's text; empty where it is not there.
    pub(super) fn header(&self, name: &HeaderName) -> String {
        let value = self.request.headers().get(name);
        let text = value.and_then(|value| value.to_str().ok());
        text.unwrap_or_default().to_owned()
    }

    /// The query, read after the role was asked.
    pub(super) fn query<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        web::Query::from_query(self.request.query_string())
            .map(web::Query::into_inner)
            .map_err(|_| {
                let misfit = terms(self.door).map(Terms::misfit);
                bad_request(&misfit.unwrap_or_default())
            })
    }

    /// Wakes a worker: there is something to do.
    pub(super) fn wake_workers(&self) {
        self.api.gateway.work.notify_one();
    }
}

impl From<Denied> for Problem {
    fn from(denied: Denied) -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "urn:wagegate:denied",
            "Not allowed",
            chinese::both(chinese::denied(&denied), &denied.to_string()),
        )
    }
}

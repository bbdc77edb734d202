//! How each door is reached. A new route needs one line here, or `matrix` fails and names it.
//!
//! Write the request as a caller makes it, with a placeholder wherever something of somebody is named; `matrix` asks three times, with the names
//! of something in the callers' scope, of something outside it, and of something that does not exist:
//!
//! | placeholder | own | foreign | absent |
//! |---|---|---|---|
//! | `{batch}` | a batch of project P1 | one of P2 | B-none |
//! | `{project}` | P1 | P2 | P9 |
//! | `{account}` | the special account of P1 | of P2 | one that nobody has |
//! | `{worker}` | a worker of P1 | of P2 | one that is not there |
//! | `{card}` | a card of that worker | of that one | one that is not there |
//! | `{bank}` | the bank of P1 | of P2 | one that is not there |
//! | `{instruction}` | an instruction in doubt of that batch | of that one | one that is not there |
//! | `{webhook}` | the caller's own subscription about P1 | an operator's about P2 | one that nobody has |
//!
//! A door without a placeholder is about the gateway itself, or a list in which each caller sees their own part: what such a list shows to whom
//! is tested beside the list (`LISTS` in tests/api/refusals.rs). Another kind of thing is another placeholder: add it to `Names`.
//!
//! The request need not succeed: whoever is let in may be told that the content cannot be taken (400, 409, 422). It must get that far, and it
//! must change nothing that a later line needs.

/// How a door is reached.
pub(crate) struct Way {
    pub(crate) method: &'static str,
    /// As in the table of doors.
    pub(crate) door: &'static str,
    /// Path and query with placeholders.
    pub(crate) asks: &'static str,
    pub(crate) kind: &'static str,
    pub(crate) body: &'static str,
}

const fn get(door: &'static str, asks: &'static str) -> Way {
    Way {
        method: "GET",
        door,
        asks,
        kind: "",
        body: "",
    }
}

const fn post(
    door: &'static str,
    asks: &'static str,
    kind: &'static str,
    body: &'static str,
) -> Way {
    Way {
        method: "POST",
        door,
        asks,
        kind,
        body,
    }
}

const JSON: &str = "application/json";
const CSV: &str = "text/csv";
const DEPOSIT: &str = r#"{"account": "{account}", "amount_fen": 1, "reference": "D-{account}", "value_date": "2026-11-02"}"#;

#[rustfmt::skip]
pub(crate) const WAYS: &[Way] = &[
    post("/v1/regions",                      "/v1/regions",                                    JSON, "[]"),
    get( "/v1/regions",                      "/v1/regions"),
    post("/v1/projects",                     "/v1/projects",                                   JSON, "[]"),
    get( "/v1/projects",                     "/v1/projects"),
    post("/v1/contractors",                  "/v1/contractors",                                JSON, "[]"),
    get( "/v1/contractors",                  "/v1/contractors"),
    post("/v1/projects/{code}/workers",      "/v1/projects/{project}/workers",                 JSON, "[]"),
    get( "/v1/projects/{code}/workers",      "/v1/projects/{project}/workers"),
    get( "/v1/projects/{code}/workers/{id}", "/v1/projects/{project}/workers/{worker}"),
    post("/v1/projects/{code}/workers/{id}/card", "/v1/projects/{project}/workers/{worker}/card", JSON, "{}"),
    post("/v1/cards/{id}/status",            "/v1/cards/{card}/status",                        JSON, "{}"),
    post("/v1/evidence",                     "/v1/evidence",                                   "text/plain", ""),
    post("/v1/batches",                      "/v1/batches?project={project}&month=2026-11",    CSV,  ""),
    get( "/v1/batches",                      "/v1/batches"),
    post("/v1/batches/check",                "/v1/batches/check?project={project}&month=2026-11", CSV, ""),
    get( "/v1/batches/{code}",               "/v1/batches/{batch}"),
    get( "/v1/batches/{code}/items",         "/v1/batches/{batch}/items"),
    get( "/v1/batches/{code}/warnings",      "/v1/batches/{batch}/warnings"),
    get( "/v1/batches/{code}/instructions",  "/v1/batches/{batch}/instructions"),
    post("/v1/batches/{code}/review",        "/v1/batches/{batch}/review",                     JSON, "{}"),
    post("/v1/batches/{code}/release",       "/v1/batches/{batch}/release",                    JSON, "{}"),
    post("/v1/batches/{code}/refuse",        "/v1/batches/{batch}/refuse",                     JSON, "{}"),
    post("/v1/batches/{code}/withdraw",      "/v1/batches/{batch}/withdraw",                   JSON, "[]"),
    post("/v1/batches/{code}/undo",          "/v1/batches/{batch}/undo",                       JSON, "[]"),
    post("/v1/batches/{code}/evidence",      "/v1/batches/{batch}/evidence?kind=other",        "application/pdf", ""),
    get( "/v1/batches/{code}/evidence/{hash}", "/v1/batches/{batch}/evidence/none"),
    get( "/v1/batches/{code}/changes",       "/v1/batches/{batch}/changes"),
    get( "/v1/batches/{code}/preview",       "/v1/batches/{batch}/preview"),
    get( "/v1/batches/{code}/preview/{part}", "/v1/batches/{batch}/preview/1"),
    get( "/v1/templates/wages",              "/v1/templates/wages?project={project}&month=2026-10"),
    get( "/v1/templates/roster",             "/v1/templates/roster"),
    get( "/v1/banks/{code}/calendar",        "/v1/banks/{bank}/calendar?day=2026-10-01"),
    post("/v1/bank/returns",                 "/v1/bank/returns",                               "text/plain", "nothing"),
    post("/v1/bank/deposits",                "/v1/bank/deposits",                              JSON, DEPOSIT),
    get( "/v1/rates",                        "/v1/rates?month=2026-10&level=project"),
    get( "/v1/failures",                     "/v1/failures?month=2026-10"),
    get( "/v1/accounts",                     "/v1/accounts"),
    get( "/v1/outcomes",                     "/v1/outcomes"),
    get( "/v1/suspense",                     "/v1/suspense"),
    get( "/v1/doubts",                       "/v1/doubts"),
    get( "/v1/doubts/{instruction}",         "/v1/doubts/{instruction}"),
    post("/v1/doubts/{instruction}/propose", "/v1/doubts/{instruction}/propose",               JSON, "{}"),
    post("/v1/doubts/{instruction}/confirm", "/v1/doubts/{instruction}/confirm",               JSON, "{}"),
    post("/v1/doubts/{instruction}/withdraw", "/v1/doubts/{instruction}/withdraw",             JSON, "{}"),
    get( "/v1/contradictions",               "/v1/contradictions"),
    get( "/v1/audit",                        "/v1/audit"),
    get( "/v1/audit/check",                  "/v1/audit/check"),
    get( "/v1/recount",                      "/v1/recount"),
    get( "/v1/banks",                        "/v1/banks"),
    get( "/v1/tasks",                        "/v1/tasks"),
    get( "/v1/metrics",                      "/v1/metrics"),
    get( "/v1/keys",                         "/v1/keys"),
    post("/v1/keys/rotate",                  "/v1/keys/rotate",                                JSON, "{}"),
    post("/v1/keys/{key}/remove",            "/v1/keys/1/remove",                              "",   ""),
    get( "/v1/principals",                   "/v1/principals"),
    post("/v1/principals",                   "/v1/principals",                                 JSON, "{}"),
    get( "/v1/principals/{name}",            "/v1/principals/contractor2"),
    post("/v1/principals/{name}/suspend",    "/v1/principals/contractor2/suspend",             "",   ""),
    post("/v1/principals/{name}/restore",    "/v1/principals/contractor2/restore",             "",   ""),
    post("/v1/principals/{name}/scope",      "/v1/principals/contractor2/scope",               JSON, "{}"),
    get( "/v1/certificates",                 "/v1/certificates"),
    post("/v1/certificates/revoke",          "/v1/certificates/revoke",                        JSON, "{}"),
    get( "/v1/me",                           "/v1/me"),
    post("/v1/webhooks",                     "/v1/webhooks",                                   JSON, r#"{"url": "https://127.0.0.1:9/", "project": "{project}"}"#),
    get( "/v1/webhooks",                     "/v1/webhooks"),
    get( "/v1/webhooks/{id}",                "/v1/webhooks/{webhook}"),
    get( "/v1/webhooks/{id}/deliveries",     "/v1/webhooks/{webhook}/deliveries"),
    post("/v1/webhooks/{id}/pause",          "/v1/webhooks/{webhook}/pause",                   "",   ""),
    post("/v1/webhooks/{id}/resume",         "/v1/webhooks/{webhook}/resume",                  "",   ""),
    post("/v1/webhooks/{id}/rotate",         "/v1/webhooks/{webhook}/rotate",                  "",   ""),
    post("/v1/webhooks/{id}/replay",         "/v1/webhooks/{webhook}/replay",                  JSON, r#"{"since": "2026-11-02T00:00:00Z"}"#),
    post("/v1/webhooks/{id}/test",           "/v1/webhooks/{webhook}/test",                    "",   ""),
    get( "/v1/health",                       "/v1/health"),
    get( "/v1/openapi.json",                 "/v1/openapi.json"),
];

/// What stands for the placeholders.
#[derive(Clone)]
pub(crate) struct Names {
    pub(crate) batch: String,
    pub(crate) project: &'static str,
    pub(crate) account: &'static str,
    pub(crate) bank: &'static str,
    pub(crate) worker: String,
    pub(crate) card: String,
    pub(crate) instruction: String,
    pub(crate) webhook: String,
}

impl Names {
    /// Pairs of placeholder and name.
    fn pairs(&self) -> [(&'static str, &str); 8] {
        [
            ("{batch}", &self.batch),
            ("{project}", self.project),
            ("{account}", self.account),
            ("{bank}", self.bank),
            ("{worker}", &self.worker),
            ("{card}", &self.card),
            ("{instruction}", &self.instruction),
            ("{webhook}", &self.webhook),
        ]
    }

    /// A request with these names in it.
    pub(crate) fn put_into(&self, text: &str) -> String {
        self.pairs()
            .into_iter()
            .fold(text.to_owned(), |text, (place, name)| {
                text.replace(place, name)
            })
    }

    /// An answer without these names: what is left must not tell foreign from absent. Numbers stay: a short one is part of others.
    pub(crate) fn taken_out_of(&self, text: &str) -> String {
        self.pairs()
            .into_iter()
            .filter(|(_, name)| name.parse::<u32>().is_err())
            .fold(text.to_owned(), |text, (place, name)| {
                text.replace(name, place)
            })
    }
}

impl Way {
    /// True when it is about something of somebody.
    pub(crate) fn names_something(&self) -> bool {
        let absent = Names {
            batch: "B-none".into(),
            project: "P9",
            account: "none",
            bank: "none",
            worker: "0".into(),
            card: "0".into(),
            instruction: "0".into(),
            webhook: "none".into(),
        };
        [self.asks, self.body]
            .iter()
            .any(|text| absent.put_into(text) != *text)
    }
}

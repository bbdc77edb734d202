//! What a request must fit before its handler reads it, taken from the route's own description: the names of its query, the media type of its
//! body, the media types that the caller accepts.

use std::collections::BTreeSet;

use actix_web::{
    HttpRequest,
    http::{StatusCode, header},
    web,
};
use utoipa::{
    Number,
    openapi::{
        RefOr, Required, Schema, Type,
        path::{Operation, Parameter, ParameterIn},
        schema::SchemaType,
    },
};

use super::{problem::Problem, refusal::bad_request};

/// The terms of one route.
pub(super) struct Terms {
    query: Vec<Term>,
    takes: Vec<String>,
    gives: Vec<String>,
}

/// One parameter of the query.
struct Term {
    name: String,
    required: bool,
    meaning: String,
    bounds: Bounds,
}

/// What the description bounds a value to, its pattern apart: that is the handler's to read.
#[derive(Default)]
struct Bounds {
    whole: bool,
    least: Option<i128>,
    most: Option<i128>,
    shortest: usize,
    longest: Option<usize>,
}

impl Terms {
    pub(super) fn of(operation: &Operation) -> Self {
        let query = operation
            .parameters
            .iter()
            .flatten()
            .filter_map(|parameter| match parameter {
                RefOr::T(parameter) => Term::of(parameter),
                RefOr::Ref(_) => None,
            })
            .collect();
        let takes = match &operation.request_body {
            Some(RefOr::T(body)) => body.content.keys().cloned().collect(),
            Some(RefOr::Ref(_)) | None => Vec::new(),
        };
        let gives = operation
            .responses
            .responses
            .values()
            .flat_map(|response| match response {
                RefOr::T(response) => response.content.keys().cloned().collect(),
                RefOr::Ref(_) => Vec::new(),
            })
            .collect();
        Self {
            query,
            takes,
            gives,
        }
    }

    /// Refuses what the description does not have.
    pub(super) fn fit(&self, request: &HttpRequest) -> Result<(), Problem> {
        self.fit_query(request.query_string())?;
        let parts = request.match_info().iter();
        let mut odd = parts.filter(|(_, part)| part.chars().any(char::is_control));
        if let Some((name, _)) = odd.next() {
            return Err(bad_request(&format!(
                "{name} in the address holds control characters; write it as it was given"
            )));
        }
        self.fit_body(request)?;
        self.fit_answer(request)
    }

    fn fit_query(&self, text: &str) -> Result<(), Problem> {
        let pairs = web::Query::<Vec<(String, String)>>::from_query(text)
            .map_err(|_| bad_request(&self.misfit()))?;
        let mut seen = BTreeSet::new();
        for (name, value) in pairs.iter() {
            let Some(term) = self.query.iter().find(|term| term.name == *name) else {
                return Err(self.unknown(name));
            };
            if !seen.insert(name.as_str()) {
                return Err(bad_request(&format!(
                    "{name} stands twice in the query; write it once"
                )));
            }
            if value.chars().any(char::is_control) || !term.bounds.hold(value) {
                return Err(bad_request(&format!("{} does not fit", term.words())));
            }
        }
        let missing = |term: &&Term| term.required && !seen.contains(term.name.as_str());
        match self.query.iter().find(missing) {
            Some(term) => Err(bad_request(&format!("the query lacks {}", term.words()))),
            None => Ok(()),
        }
    }

    /// What the query may hold, for a query that could not be read.
    pub(super) fn misfit(&self) -> String {
        format!("the query does not fit: {}", self.known())
    }

    fn known(&self) -> String {
        let words: Vec<String> = self.query.iter().map(Term::words).collect();
        match words.as_slice() {
            [] => "this address takes no query".into(),
            words => format!("it takes {}", words.join("; ")),
        }
    }

    /// Names it only as far as a name can go: what follows a question mark may be anything.
    fn unknown(&self, name: &str) -> Problem {
        let plain = name
            .chars()
            .all(|letter| letter.is_ascii_alphanumeric() || "_-.".contains(letter));
        let name = if plain && name.len() <= 40 {
            name
        } else {
            "a name"
        };
        bad_request(&format!(
            "{name} is not known in this query: {}",
            self.known()
        ))
    }

    fn fit_body(&self, request: &HttpRequest) -> Result<(), Problem> {
        let Some(given) = request.headers().get(header::CONTENT_TYPE) else {
            return Ok(());
        };
        let given = given.to_str().unwrap_or_default();
        let kind = given.split(';').next().unwrap_or_default().trim();
        let taken = |known: &String| known.eq_ignore_ascii_case(kind);
        if self.takes.is_empty() || self.takes.iter().any(taken) {
            return Ok(());
        }
        Err(Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "urn:wagegate:media-type",
            "Media type not taken",
            format!(
                "the body's Content-Type is one of {}, or left out",
                self.takes.join(", ")
            ),
        ))
    }

    fn fit_answer(&self, request: &HttpRequest) -> Result<(), Problem> {
        let mut asked = request
            .headers()
            .get_all(header::ACCEPT)
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .peekable();
        if asked.peek().is_none()
            || asked.any(|range| self.gives.iter().any(|kind| accepts(range, kind)))
        {
            return Ok(());
        }
        Err(Problem::new(
            StatusCode::NOT_ACCEPTABLE,
            "urn:wagegate:not-acceptable",
            "Not acceptable",
            format!("this address answers with {}", self.gives.join(", ")),
        ))
    }
}

impl Term {
    fn of(parameter: &Parameter) -> Option<Self> {
        (parameter.parameter_in == ParameterIn::Query).then(|| Self {
            name: parameter.name.clone(),
            required: parameter.required == Required::True,
            meaning: parameter.description.clone().unwrap_or_default(),
            bounds: Bounds::of(parameter),
        })
    }

    fn words(&self) -> String {
        let Self { name, meaning, .. } = self;
        if meaning.is_empty() {
            name.clone()
        } else {
            format!("{name} ({})", meaning.trim_end_matches('.'))
        }
    }
}

impl Bounds {
    fn of(parameter: &Parameter) -> Self {
        let Some(RefOr::T(Schema::Object(object))) = &parameter.schema else {
            return Self::default();
        };
        Self {
            whole: object.schema_type == SchemaType::Type(Type::Integer),
            least: object.minimum.as_ref().and_then(whole),
            most: object.maximum.as_ref().and_then(whole),
            shortest: object.min_length.unwrap_or(0),
            longest: object.max_length,
        }
    }

    fn hold(&self, value: &str) -> bool {
        if self.whole {
            return value.parse().is_ok_and(|number: i128| {
                self.least.is_none_or(|least| number >= least)
                    && self.most.is_none_or(|most| number <= most)
            });
        }
        let length = value.chars().count();
        length >= self.shortest && self.longest.is_none_or(|longest| length <= longest)
    }
}

fn whole(number: &Number) -> Option<i128> {
    match number {
        Number::Int(number) => i128::try_from(*number).ok(),
        Number::UInt(number) => i128::try_from(*number).ok(),
        // The attribute's numbers are read as floats, and all of ours are whole.
        Number::Float(number) => number.to_string().parse().ok(),
    }
}

/// Whether one range of an `Accept` header takes a media type; weights are not weighed, but nought is no.
fn accepts(range: &str, kind: &str) -> bool {
    let mut parts = range.split(';').map(str::trim);
    let range = parts.next().unwrap_or_default();
    let refused = parts.any(|part| matches!(part, "q=0" | "q=0.0" | "q=0.00" | "q=0.000"));
    let family = |range: &str| range.strip_suffix("/*").map(str::to_owned);
    let fits = range == "*/*"
        || range.eq_ignore_ascii_case(kind)
        || family(range).is_some_and(|family| kind.split('/').next() == Some(family.as_str()));
    fits && !refused
}

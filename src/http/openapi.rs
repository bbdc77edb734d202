//! The API's description (OpenAPI 3.1), drawn from the table of routes and what each handler says of itself; and the same description turned
//! on requests: what is not in it is refused by name.

use std::{collections::BTreeMap, sync::LazyLock};

use actix_web::HttpResponse;
use utoipa::{
    Number, PartialSchema, Path, ToSchema,
    openapi::{
        Components, Content, HttpMethod, Info, Object, OpenApi, Paths, Ref, RefOr, Required,
        Response, Schema, SecurityRequirement, Server, Type,
        extensions::Extensions,
        path::{Operation, Parameter, ParameterBuilder, ParameterIn},
        schema::{ObjectBuilder, SchemaType},
        security::SecurityScheme,
    },
};

use super::{
    ask::Ask,
    doors::{DOORS, Door},
    problem::{Problem, RowProblem},
    terms::Terms,
};

/// A handler with its `#[utoipa::path]`: the attribute makes a type beside the handler that tells all this. The second trait is hidden in the
/// library's pages, but its own `OpenApi` derive is built on it.
pub(super) trait Handler: Path + utoipa::__dev::SchemaReferences {}
impl<H: Path + utoipa::__dev::SchemaReferences> Handler for H {}

/// What a handler says of itself.
pub(super) struct Described {
    pub(super) methods: Vec<HttpMethod>,
    pub(super) path: String,
    pub(super) operation: Operation,
    pub(super) schemas: Vec<(String, RefOr<Schema>)>,
}

pub(super) fn described<H: Handler>() -> Described {
    let mut schemas = Vec::new();
    H::schemas(&mut schemas);
    Described {
        methods: H::methods(),
        path: H::path(),
        operation: H::operation(),
        schemas,
    }
}

/// The description, drawn once.
struct Contract {
    document: String,
    terms: BTreeMap<(&'static str, &'static str), Terms>,
}

static CONTRACT: LazyLock<Contract> = LazyLock::new(Contract::draw);

/// What requests to a door must fit.
pub(super) fn terms(door: &Door) -> Option<&'static Terms> {
    CONTRACT.terms.get(&(door.method, door.path))
}

/// The whole description, as `GET /v1/openapi.json` gives it.
pub fn document() -> &'static str {
    &CONTRACT.document
}

/// This description.
#[utoipa::path(get, path = "/v1/openapi.json", responses((status = 200, content_type = "application/json", body = Object)))]
pub(super) async fn show(_: Ask) -> Result<HttpResponse, Problem> {
    Ok(HttpResponse::Ok()
        .content_type("application/json")
        .body(document()))
}

/// Statuses that any request can be answered with, and those of a request that changes something.
#[rustfmt::skip]
const ALWAYS: &[(u16, &str)] = &[
    (400, "The request does not fit this description"),
    (401, "The certificate is not accepted; the connection ends"),
    (403, "Unknown principal, or outside the caller's role or scope"),
    (404, "There is no such thing"),
    (406, "None of the accepted media types is given here"),
    (422, "The content cannot be taken; `rows` says where, where the content has rows"),
    (503, "Not possible now; nothing was changed"),
];
#[rustfmt::skip]
const CHANGING: &[(u16, &str)] = &[
    (409, "A rule of the trade, or another request under the same key, stands against it"),
    (413, "The body is larger than is taken here"),
    (415, "The body is of a media type that is not taken here"),
];

impl Contract {
    fn draw() -> Self {
        let mut paths = Paths::new();
        let mut schemas = BTreeMap::from([entry::<Problem>(), entry::<RowProblem>()]);
        let mut terms = BTreeMap::new();
        for door in DOORS {
            let mut described = (door.described)();
            complete(door, &mut described.operation);
            terms.insert((door.method, door.path), Terms::of(&described.operation));
            schemas.extend(described.schemas);
            paths.add_path_operation(&described.path, described.methods, described.operation);
        }
        let mut components = Components::new();
        components.schemas = schemas.into_iter().collect();
        components.add_security_scheme("certificate", SecurityScheme::MutualTls {
            description: Some("Every request comes over mutual TLS 1.3; the certificate's URI names the principal".into()),
            deprecated: None,
            extensions: None,
        });
        let mut api = OpenApi::new(Info::new("Wagegate", env!("CARGO_PKG_VERSION")), paths);
        api.info.description =
            Some("Wages from approved sheets to banks, and one outcome per worker back".into());
        api.servers = Some(vec![Server::new("/")]);
        api.security = Some(vec![SecurityRequirement::new(
            "certificate",
            Vec::<String>::new(),
        )]);
        api.components = Some(components);
        Self {
            // Text, numbers and lists: this always serialises.
            document: api.to_json().unwrap_or_default(),
            terms,
        }
    }
}

fn entry<T: ToSchema + PartialSchema>() -> (String, RefOr<Schema>) {
    (T::name().into_owned(), T::schema())
}

/// Adds to an operation what all have: its id, the parts of its path, the key of a POST, and every status that is a problem.
fn complete(door: &Door, operation: &mut Operation) {
    operation.operation_id = Some(operation_id(door));
    operation.extensions = Some(roles(door));
    operation.tags = door.path.split('/').nth(2).map(|tag| vec![tag.to_owned()]);
    let parameters = operation.parameters.get_or_insert_default();
    for parameter in &mut *parameters {
        if let RefOr::T(parameter) = parameter
            && let Some(RefOr::T(Schema::Object(schema))) = &mut parameter.schema
        {
            narrow(schema);
        }
    }
    for part in parts(door.path) {
        if !has(parameters, part) {
            parameters.push(path_part(part).into());
        }
    }
    let changing = door.method != "GET";
    if changing {
        parameters.push(idempotency_key().into());
    }
    let responses = &mut operation.responses.responses;
    let more = if changing { CHANGING } else { &[] };
    for (status, meaning) in ALWAYS.iter().chain(more) {
        responses
            .entry(status.to_string())
            .or_insert_with(|| RefOr::T(Response::new(*meaning)));
    }
    for (status, response) in responses {
        if let RefOr::T(response) = response
            && status.as_str() >= "400"
        {
            response
                .content
                .insert(Problem::KIND.into(), problem().into());
        }
    }
}

/// `get_batches_code_items`: method and path, which are unique.
fn operation_id(door: &Door) -> String {
    let words = door
        .path
        .trim_start_matches("/v1")
        .replace(['/', '.', '-'], "_");
    door.method.to_lowercase() + &words.replace(['{', '}'], "")
}

/// Which roles get past the door.
fn roles(door: &Door) -> Extensions {
    let roles = door.action.roles().iter().map(|role| role.code());
    Extensions::builder()
        .add("x-roles", roles.collect::<Vec<_>>())
        .build()
}

const NO_CONTROLS: &str = r"^[^\x00-\x1f\x7f-\x9f]*$";

fn parts(path: &str) -> impl Iterator<Item = &str> {
    path.split('/')
        .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
}

fn has(parameters: &[RefOr<Parameter>], name: &str) -> bool {
    parameters
        .iter()
        .any(|parameter| matches!(parameter, RefOr::T(parameter) if parameter.name == name))
}

/// What holds for every value in an address: it is there or it is not, and is never null; a text has no control characters; a number fits 53 bits,
/// beyond which clients round.
fn narrow(schema: &mut Object) {
    if let SchemaType::Array(kinds) = &schema.schema_type
        && let Some(kind) = kinds.iter().find(|kind| **kind != Type::Null)
    {
        schema.schema_type = kind.clone().into();
    }
    match schema.schema_type {
        SchemaType::Type(Type::String)
            if schema.pattern.is_none() && schema.enum_values.is_none() =>
        {
            schema.pattern = Some(NO_CONTROLS.into());
        }
        SchemaType::Type(Type::Integer) if schema.maximum.is_none() => {
            schema.maximum = Some(Number::UInt((1 << 53) - 1));
        }
        SchemaType::Type(_) | SchemaType::Array(_) | SchemaType::AnyValue => {}
    }
}

fn path_part(name: &str) -> Parameter {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Path)
        .required(Required::True)
        .schema(Some(text(200, r"^[^\x00-\x1f\x7f-\x9f/]+$")))
        .build()
}

fn idempotency_key() -> Parameter {
    ParameterBuilder::new()
        .name("Idempotency-Key")
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some("Chosen by the caller, one for each act: the same request again under the same key is answered as the first was and done once"))
        .schema(Some(text(255, "^[!-~]+$")))
        .build()
}

fn text(longest: usize, pattern: &str) -> Object {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .min_length(Some(1))
        .max_length(Some(longest))
        .pattern(Some(pattern))
        .build()
}

fn problem() -> Content {
    Content::new(Some(Ref::from_schema_name(Problem::name())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_door_describes_itself_under_its_own_method_and_path() {
        for door in DOORS {
            let described = (door.described)();
            let methods: Vec<String> = described
                .methods
                .into_iter()
                .map(|method| serde_json::to_string(&method).unwrap().to_uppercase())
                .collect();
            assert_eq!(
                (methods, described.path.as_str()),
                (vec![format!("{:?}", door.method)], door.path)
            );
        }
    }

    #[test]
    fn the_description_has_the_doors_and_nothing_else() {
        let document: serde_json::Value = serde_json::from_str(document()).unwrap();
        let mut described: Vec<(String, String)> = Vec::new();
        for (path, item) in document["paths"].as_object().unwrap() {
            for method in item.as_object().unwrap().keys() {
                described.push((path.clone(), method.to_uppercase()));
            }
        }
        let mut doors: Vec<_> = DOORS
            .iter()
            .map(|door| (door.path.to_owned(), door.method.to_owned()))
            .collect();
        described.sort();
        doors.sort();
        assert_eq!(described, doors);
        assert_eq!(document["openapi"], "3.1.0");
    }

    #[test]
    fn every_reference_leads_to_a_schema_and_every_failure_to_a_problem() {
        let document: serde_json::Value = serde_json::from_str(document()).unwrap();
        for reference in references(&document) {
            let pointer = reference.trim_start_matches('#');
            assert!(document.pointer(pointer).is_some(), "{reference}");
        }
        for item in document["paths"].as_object().unwrap().values() {
            for operation in item.as_object().unwrap().values() {
                for (status, response) in operation["responses"].as_object().unwrap() {
                    let problem = &response["content"]["application/problem+json"];
                    assert_eq!(problem.is_object(), status.as_str() >= "400", "{operation}");
                }
            }
        }
    }

    #[test]
    fn no_two_schemas_have_one_name() {
        let mut seen: BTreeMap<String, String> = BTreeMap::new();
        for door in DOORS {
            for (name, schema) in (door.described)().schemas {
                let text = serde_json::to_string(&schema).unwrap();
                let first = seen.entry(name.clone()).or_insert_with(|| text.clone());
                assert_eq!(*first, text, "{name} in {} {}", door.method, door.path);
            }
        }
    }

    fn references(value: &serde_json::Value) -> Vec<&str> {
        match value {
            serde_json::Value::Object(map) => map
                .iter()
                .flat_map(|(key, value)| match value.as_str() {
                    Some(target) if key == "$ref" => vec![target],
                    Some(_) | None => references(value),
                })
                .collect(),
            serde_json::Value::Array(list) => list.iter().flat_map(references).collect(),
            serde_json::Value::Null
            | serde_json::Value::Bool(_)
            | serde_json::Value::Number(_)
            | serde_json::Value::String(_) => Vec::new(),
        }
    }
}

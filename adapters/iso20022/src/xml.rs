//! A pull reader over XML of any length: elements by local name, one at a time, with every size bounded. It knows no message.
//!
//! No document type, no entities but XML's own five and character references. Characters that no text can hold (controls)
//! come out as U+FFFD, because one of them in a bank's remark must not cost the document.

use std::io::BufRead;

use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::reader::Reader;
use wagegate_domain::adapter::DecodeError;

use crate::input::{BadBytes, Rationed, utf8};

const DEEPEST: usize = 64;
const LONGEST_PIECE: usize = 64 * 1024;
const LONGEST_TEXT: usize = 16 * 1024;
const MOST_ATTRIBUTES: usize = 32;

/// An XML document being read. After [`Xml::child`] gave `true`, the element must be read to its end: by [`Xml::text`], by
/// [`Xml::skip`], or by calling [`Xml::child`] until it gives `false`.
pub(crate) struct Xml<'a> {
    reader: Reader<Rationed<'a>>,
    buffer: Vec<u8>,
    depth: usize,
    rooted: bool,
    name: String,
    text: String,
    currency: String,
    namespace: String,
}

enum Piece {
    Open,
    Close,
    Text,
    End,
}

impl<'a> Xml<'a> {
    pub(crate) fn new(input: &'a mut dyn BufRead) -> Result<Self, DecodeError> {
        let bytes = utf8(input).map_err(|error| from_io(error, 0, ""))?;
        let mut reader = Reader::from_reader(Rationed::new(bytes));
        reader.config_mut().expand_empty_elements = true;
        Ok(Self {
            reader,
            buffer: Vec::new(),
            depth: 0,
            rooted: false,
            name: String::new(),
            text: String::new(),
            currency: String::new(),
            namespace: String::new(),
        })
    }

    /// Goes to the next element at whatever depth; `false` at the end of the document.
    pub(crate) fn seek(&mut self) -> Result<bool, DecodeError> {
        loop {
            self.text.clear();
            match self.piece()? {
                Piece::Open => return Ok(true),
                Piece::Close | Piece::Text => {}
                Piece::End if self.depth == 0 => return Ok(false),
                Piece::End => return Err(self.broken("the document breaks off")),
            }
        }
    }

    /// Goes to the next element inside the one being read; `false` where that one ends.
    pub(crate) fn child(&mut self) -> Result<bool, DecodeError> {
        self.text.clear();
        loop {
            match self.piece()? {
                Piece::Open => return Ok(true),
                Piece::Close => return Ok(false),
                Piece::Text => {}
                Piece::End if self.depth == 0 => return Ok(false),
                Piece::End => return Err(self.broken("the document breaks off")),
            }
        }
    }

    /// Local name of the element that [`Xml::child`] found.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Namespace of the latest element that declared its own; empty where none did.
    pub(crate) fn namespace(&self) -> &str {
        &self.namespace
    }

    /// `Ccy` of the element opened last; empty where it has none.
    pub(crate) fn currency(&self) -> &str {
        &self.currency
    }

    /// Reads the element to its end and gives its own text, trimmed.
    pub(crate) fn text(&mut self) -> Result<&str, DecodeError> {
        self.text.clear();
        let inside = self.depth;
        while self.depth >= inside {
            match self.piece()? {
                Piece::Open => self.skip_from(inside)?,
                Piece::Close | Piece::Text => {}
                Piece::End => return Err(self.broken("the document breaks off")),
            }
        }
        Ok(self.text.trim())
    }

    /// Text since the last child, after [`Xml::child`] gave `false`: for elements that hold either text or children.
    pub(crate) fn rest_of_text(&self) -> &str {
        self.text.trim()
    }

    /// Reads the element to its end.
    pub(crate) fn skip(&mut self) -> Result<(), DecodeError> {
        self.skip_from(self.depth.saturating_sub(1))
    }

    /// The error for what is wrong here.
    pub(crate) fn broken(&self, why: &str) -> DecodeError {
        malformed(self.reader.buffer_position(), &self.name, why)
    }

    fn skip_from(&mut self, outside: usize) -> Result<(), DecodeError> {
        let kept = self.text.len();
        while self.depth > outside {
            if matches!(self.piece()?, Piece::End) {
                return Err(self.broken("the document breaks off"));
            }
            self.text.truncate(kept);
        }
        Ok(())
    }

    fn piece(&mut self) -> Result<Piece, DecodeError> {
        loop {
            self.buffer.clear();
            self.reader.get_mut().allow(LONGEST_PIECE);
            let event = match self.reader.read_event_into(&mut self.buffer) {
                Ok(event) => event,
                Err(error) => {
                    return Err(from_xml(error, self.reader.buffer_position(), &self.name));
                }
            };
            let taken = match event {
                Event::Start(start) => {
                    self.depth += 1;
                    self.name.clear();
                    self.name.push_str(start.local_name().as_ref());
                    let second = self.depth == 1 && std::mem::replace(&mut self.rooted, true);
                    if second {
                        Err("more than one document")
                    } else {
                        take_attributes(&start, &mut self.currency, &mut self.namespace)
                            .map(|()| Piece::Open)
                    }
                }
                Event::End(_) => {
                    self.depth = self.depth.saturating_sub(1);
                    return Ok(Piece::Close);
                }
                Event::Text(text) => {
                    add(&mut self.text, &text.xml10_content());
                    Ok(Piece::Text)
                }
                Event::CData(text) => {
                    add(&mut self.text, &text.xml10_content());
                    Ok(Piece::Text)
                }
                Event::GeneralRef(entity) => resolve(&entity, &mut self.text).map(|()| Piece::Text),
                Event::DocType(_) => Err("a document type is not accepted"),
                Event::Eof => return Ok(Piece::End),
                Event::Empty(_) | Event::Comment(_) | Event::Decl(_) | Event::PI(_) => continue,
            };
            let sized = taken.and_then(|piece| {
                if self.depth > DEEPEST {
                    Err("elements nested too deep")
                } else if self.text.len() > LONGEST_TEXT && !matches!(piece, Piece::Open) {
                    Err("a text longer than any bank writes")
                } else {
                    Ok(piece)
                }
            });
            return sized.map_err(|why| self.broken(why));
        }
    }
}

fn take_attributes(
    start: &BytesStart<'_>,
    currency: &mut String,
    namespace: &mut String,
) -> Result<(), &'static str> {
    currency.clear();
    if start.attributes_raw().is_empty() {
        return Ok(());
    }
    let prefix = start
        .name()
        .prefix()
        .map(|prefix| prefix.as_ref().to_owned());
    for (place, attribute) in start.attributes().with_checks(false).enumerate() {
        let attribute = attribute.map_err(|_| "attributes that are not XML")?;
        if place >= MOST_ATTRIBUTES {
            return Err("more attributes than any bank writes");
        }
        let key = attribute.key.as_ref();
        let into = match (key.strip_prefix("xmlns"), prefix.as_deref()) {
            (Some(""), None) => &mut *namespace,
            (Some(declared), Some(own)) if declared.strip_prefix(':') == Some(own) => {
                &mut *namespace
            }
            _elsewhere if key == "Ccy" => &mut *currency,
            _elsewhere => continue,
        };
        into.clear();
        add(into, attribute.value.trim());
    }
    Ok(())
}

fn resolve(entity: &BytesRef<'_>, text: &mut String) -> Result<(), &'static str> {
    match entity.resolve_char_ref() {
        Ok(Some(character)) => text.push(holdable(character)),
        Ok(None) => text.push_str(
            quick_xml::escape::resolve_predefined_entity(&entity.xml10_content())
                .ok_or("an entity that XML itself does not know")?,
        ),
        Err(_) => return Err("a character reference to no character"),
    }
    Ok(())
}

fn add(text: &mut String, more: &str) {
    if more.chars().any(|c| holdable(c) != c) {
        text.extend(more.chars().map(holdable));
    } else {
        text.push_str(more);
    }
}

fn holdable(character: char) -> char {
    match character {
        '\t' | '\n' | '\r' => character,
        other if other.is_control() => char::REPLACEMENT_CHARACTER,
        other => other,
    }
}

fn from_xml(error: quick_xml::Error, at: u64, within: &str) -> DecodeError {
    match error {
        quick_xml::Error::Io(error) => {
            let again = match error.get_ref().and_then(|inner| inner.downcast_ref()) {
                Some(BadBytes(why)) => return malformed(at, within, why),
                None => std::io::Error::new(error.kind(), error.to_string()),
            };
            DecodeError::Io(again)
        }
        other => malformed(at, within, &format!("not XML: {}", kind_of(&other))),
    }
}

/// The kind of fault only: the parser's own words may quote the document, and with it a person.
const fn kind_of(error: &quick_xml::Error) -> &'static str {
    match error {
        quick_xml::Error::Syntax(_) => "a tag, comment or section is not closed",
        quick_xml::Error::IllFormed(_) => "tags do not match",
        quick_xml::Error::Encoding(_) => "bytes that are not UTF-8",
        _ => "broken markup",
    }
}

fn from_io(error: std::io::Error, at: u64, within: &str) -> DecodeError {
    match error.get_ref().and_then(|inner| inner.downcast_ref()) {
        Some(BadBytes(why)) => malformed(at, within, why),
        None => DecodeError::Io(error),
    }
}

fn malformed(at: u64, within: &str, why: &str) -> DecodeError {
    // A name longer than any of the standard's is not worth repeating.
    let place = if within.is_empty() || within.len() > 35 {
        format!("byte {at}")
    } else {
        format!("byte {at}, after <{within}>")
    };
    DecodeError::Malformed {
        place,
        why: why.to_owned(),
    }
}

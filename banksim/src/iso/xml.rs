//! A small XML writer: elements opened and closed in pairs, text escaped. It knows nothing of schemas.

use std::fmt::Display;

use quick_xml::escape::partial_escape;

/// XML being written.
#[derive(Debug)]
pub(crate) struct Xml(String);

impl Xml {
    /// A document with its root element and what `fill` puts inside.
    pub(crate) fn document(namespace: &str, fill: impl FnOnce(&mut Self)) -> Vec<u8> {
        let mut xml = Self(r#"<?xml version="1.0" encoding="UTF-8"?>"#.to_owned());
        xml.0
            .push_str(&format!("\n<Document xmlns=\"{namespace}\">"));
        fill(&mut xml);
        xml.0.push_str("</Document>\n");
        xml.0.into_bytes()
    }

    /// An element and what `fill` puts inside.
    pub(crate) fn within(&mut self, name: &str, fill: impl FnOnce(&mut Self)) -> &mut Self {
        self.0.push_str(&format!("<{name}>"));
        fill(self);
        self.0.push_str(&format!("</{name}>"));
        self
    }

    /// Elements one inside the other, named by a path with slashes, around a text.
    pub(crate) fn text(&mut self, path: &str, text: impl Display) -> &mut Self {
        path.split('/')
            .for_each(|name| self.0.push_str(&format!("<{name}>")));
        self.0.push_str(&partial_escape(text.to_string()));
        path.rsplit('/')
            .for_each(|name| self.0.push_str(&format!("</{name}>")));
        self
    }

    /// An amount in yuan with its currency.
    pub(crate) fn amount(&mut self, name: &str, amount: crate::money::Fen) -> &mut Self {
        self.0
            .push_str(&format!("<{name} Ccy=\"CNY\">{}</{name}>", amount.yuan()));
        self
    }
}

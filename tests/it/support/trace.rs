//! A subscriber that keeps what is said, with its fields as they were given.

use std::fmt::{Debug, Write as _};
use std::sync::{Arc, LazyLock, Mutex};

use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::DefaultGuard;
use tracing::{Dispatch, Event, Metadata, Subscriber};
use tracing_subscriber::layer::{Context, SubscriberExt as _};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::{Layer, Registry};

/// A span or an event of this crate.
#[derive(Clone, Debug)]
pub(crate) struct Said {
    /// The name of a span; what an event says.
    pub(crate) name: String,
    pub(crate) level: tracing::Level,
    pub(crate) fields: Map<String, Value>,
    /// The place of the span that it is in.
    pub(crate) parent: Option<usize>,
    pub(crate) is_event: bool,
}

/// What was said on this thread since it was asked to listen.
#[derive(Clone, Default)]
pub(crate) struct Trace(Arc<Mutex<Vec<Said>>>);

impl Trace {
    pub(crate) fn listen() -> (Self, DefaultGuard) {
        // While there is but one listener, tracing takes what a thread without it meets first for
        // something that nobody wants to hear.
        static ANOTHER: LazyLock<Dispatch> = LazyLock::new(|| Dispatch::new(Registry::default()));
        LazyLock::force(&ANOTHER);
        let trace = Self::default();
        let subscriber = Registry::default().with(trace.clone());
        (trace, tracing::subscriber::set_default(subscriber))
    }

    pub(crate) fn all(&self) -> Vec<Said> {
        self.0.lock().unwrap().clone()
    }

    pub(crate) fn spans(&self, name: &str) -> Vec<Said> {
        let all = self.all().into_iter();
        all.filter(|said| said.name == name && !said.is_event)
            .collect()
    }

    pub(crate) fn events(&self, level: tracing::Level) -> Vec<Said> {
        let all = self.all().into_iter();
        all.filter(|said| said.level == level && said.is_event)
            .collect()
    }

    /// The spans as a tree: their names for OpenTelemetry, indented.
    pub(crate) fn tree(&self) -> String {
        fn below(all: &[Said], parent: Option<usize>, depth: usize, text: &mut String) {
            for (at, said) in all.iter().enumerate() {
                if said.parent == parent && !said.is_event {
                    let name = said.fields.get("otel.name").and_then(Value::as_str);
                    let name = name.unwrap_or(&said.name);
                    writeln!(text, "{:depth$}{name}", "").unwrap();
                    below(all, Some(at), depth + 2, text);
                }
            }
        }
        let mut text = String::new();
        below(&self.all(), None, 0, &mut text);
        text
    }
}

/// Where a span is among what was said.
struct Place(usize);

struct Fields<'a>(&'a mut Map<String, Value>);

impl Visit for Fields<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0
            .insert(field.name().into(), format!("{value:?}").into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name().into(), value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.0.insert(field.name().into(), value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.0.insert(field.name().into(), value.into());
    }
}

fn is_ours(metadata: &Metadata<'_>) -> bool {
    metadata.target().starts_with("access_tokens")
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Trace {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        if !is_ours(attributes.metadata()) {
            return;
        }
        let span = context.span(id).unwrap();
        let place = |span: &tracing_subscriber::registry::SpanRef<'_, S>| {
            span.extensions().get::<Place>().map(|place| place.0)
        };
        let parent = span.parent().as_ref().and_then(place);
        let mut fields = Map::new();
        attributes.record(&mut Fields(&mut fields));
        let mut all = self.0.lock().unwrap();
        span.extensions_mut().insert(Place(all.len()));
        all.push(Said {
            name: attributes.metadata().name().to_owned(),
            level: *attributes.metadata().level(),
            fields,
            parent,
            is_event: false,
        });
    }

    fn on_record(&self, id: &Id, record: &Record<'_>, context: Context<'_, S>) {
        let span = context.span(id).unwrap();
        let place = span.extensions().get::<Place>().map(|place| place.0);
        if let Some(place) = place {
            let fields = &mut self.0.lock().unwrap()[place].fields;
            record.record(&mut Fields(fields));
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        if !is_ours(event.metadata()) {
            return;
        }
        let mut fields = Map::new();
        event.record(&mut Fields(&mut fields));
        let message = fields.remove("message");
        let parent = context.event_span(event);
        let parent = parent.and_then(|span| span.extensions().get::<Place>().map(|place| place.0));
        self.0.lock().unwrap().push(Said {
            name: message
                .and_then(|m| Some(m.as_str()?.to_owned()))
                .unwrap_or_default(),
            level: *event.metadata().level(),
            fields,
            parent,
            is_event: true,
        });
    }
}

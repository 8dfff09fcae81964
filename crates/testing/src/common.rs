//! What all twins offer, written once.

use std::collections::BTreeMap;
use std::io;

use serde_json::Value;

use super::shared::Operation;

/// The methods that all twins have; the type must have a field `server`.
macro_rules! common_methods {
    ($twin:ty, $operation:ty, $service:ident, $address:literal, $credential:literal) => {
        impl $twin {
            /// The address to give to a client: `http://127.0.0.1:PORT`, without a slash at the
            /// end.
            #[must_use]
            pub fn base_url(&self) -> String {
                self.server.base_url()
            }

            /// The address and the credential under the names that the client's `from_env` reads.
            #[must_use]
            pub fn variables(&self) -> [(&'static str, ::access_tokens::Secret); 2] {
                let address = ::access_tokens::Secret::new(self.base_url());
                [($address, address), ($credential, self.credential())]
            }

            /// Uses a secret as a consumer would, over HTTP: the status of the answer, 200 or 401
            /// unless a fault or a limit gets in between.
            ///
            /// It is a use like any other and a request like any other.
            ///
            /// # Errors
            /// If no answer comes, or if the secret does not fit a header.
            pub async fn use_secret(
                &self,
                secret: &::access_tokens::Secret,
            ) -> ::std::io::Result<u16> {
                self.server.use_secret(secret).await
            }

            /// Everything that was received, in order; the newest 10,000 requests.
            #[must_use]
            pub fn requests(&self) -> Vec<$crate::Received> {
                self.server.requests()
            }

            /// How many requests there were for an operation, whatever became of them; recording
            /// need not be on.
            #[must_use]
            pub fn count(&self, operation: $operation) -> u64 {
                let counts = self.server.counts();
                counts.get(&operation).copied().unwrap_or_default()
            }

            /// Forgets what was received, counts included.
            pub fn clear_requests(&self) {
                self.server.clear_requests();
            }

            /// Switches the recording of requests on (as at the start) or off.
            pub fn record_requests(&self, on: bool) {
                self.server.record_requests(on);
            }

            /// Begins a rule of the fault script for one operation.
            #[must_use = "a rule is in force once `then` names a fault"]
            pub fn on(&self, operation: $operation) -> $crate::Rule<'_, $operation> {
                self.server.script().on(operation)
            }

            /// Begins a rule of the fault script for all requests, known operation or not.
            #[must_use = "a rule is in force once `then` names a fault"]
            pub fn on_any(&self) -> $crate::Rule<'_, $operation> {
                self.server.script().on_any()
            }

            /// Lets a function decide what happens to the requests that no rule of the fault script
            /// is for, such as one that rolls dice.
            ///
            /// It is given the operation, if the request is for one, and must not call the twin.
            pub fn on_others(
                &self,
                decide: impl FnMut(Option<$operation>) -> Option<$crate::Fault> + Send + 'static,
            ) {
                self.server.script().otherwise(Some(Box::new(decide)));
            }

            /// Drops all rules of the fault script, and the function beside them.
            pub fn clear_faults(&self) {
                self.server.script().clear();
            }

            /// Sets how late the service's changes are seen, from now on.
            pub fn set_settling(&self, settling: $crate::Settling) {
                $crate::shared::Service::set_settling(self.server.service(), settling);
            }

            /// Sets what the header `Date` of the answers says.
            pub fn set_date(&self, date: $crate::DateHeader) {
                self.server.set_date(date);
            }

            /// Closes the listener and all connections: clients get "connection refused". The port
            /// stays reserved.
            ///
            /// # Errors
            /// If the system does not let the port be reserved again.
            pub fn refuse_connections(&self) -> ::std::io::Result<()> {
                self.server.refuse_connections()
            }

            /// Listens again after [`refuse_connections`](Self::refuse_connections), on the same
            /// port and with the same state.
            ///
            /// # Errors
            /// If the system does not let the port be listened on again.
            pub fn accept_connections(&self) -> ::std::io::Result<()> {
                self.server.accept_connections()
            }
        }

        impl $crate::twin::sealed::Sealed for $twin {}

        impl $crate::Twin for $twin {
            fn service(&self) -> ::access_tokens::Service {
                ::access_tokens::Service::$service
            }

            fn base_url(&self) -> String {
                self.server.base_url()
            }

            fn credential(&self) -> ::access_tokens::Secret {
                <$twin>::credential(self)
            }

            fn authenticates(&self, secret: &::access_tokens::Secret) -> bool {
                <$twin>::authenticates(self, secret)
            }

            fn use_secret<'a>(
                &'a self,
                secret: &'a ::access_tokens::Secret,
            ) -> ::access_tokens::BoxFuture<'a, ::std::io::Result<u16>> {
                Box::pin(<$twin>::use_secret(self, secret))
            }

            fn entries(&self) -> Vec<$crate::Entry> {
                self.all_entries()
            }

            fn remove(&self, key: &str) -> bool {
                <$twin>::remove(self, key)
            }

            fn counts(&self) -> ::std::collections::BTreeMap<String, u64> {
                $crate::common::named(self.server.counts())
            }

            fn set_fault(
                &self,
                operation: Option<&str>,
                nth: u64,
                times: u64,
                fault: $crate::Fault,
            ) -> ::std::io::Result<()> {
                let rule = match operation {
                    Some(name) => self.on($crate::common::operation(name)?),
                    None => self.on_any(),
                };
                rule.nth(nth).times(times).then(fault);
                Ok(())
            }

            fn on_others(&self, mut decide: Box<$crate::Decide>) {
                self.server
                    .script()
                    .otherwise(Some(Box::new(move |operation| {
                        decide(operation.map($crate::common::name).as_deref())
                    })));
            }

            fn clear_faults(&self) {
                self.server.script().clear();
            }

            fn set_settling(&self, settling: $crate::Settling) {
                <$twin>::set_settling(self, settling);
            }

            fn set_date(&self, date: $crate::DateHeader) {
                self.server.set_date(date);
            }

            fn clear_requests(&self) {
                self.server.clear_requests();
            }

            fn refuse_connections(&self) -> ::std::io::Result<()> {
                self.server.refuse_connections()
            }

            fn accept_connections(&self) -> ::std::io::Result<()> {
                self.server.accept_connections()
            }
        }
    };
}

/// What all builders offer; the type must have the fields `clock` and `options`, and `start` makes a
/// twin of both.
macro_rules! builder_methods {
    ($twin:ty, $start:path) => {
        impl Builder {
            pub(super) fn new() -> Self {
                Self {
                    clock: ::std::sync::Arc::new(::access_tokens::SystemClock::new()),
                    options: Options::default(),
                }
            }

            /// Sets the clock that decides what has ended and dates everything: the system's, or a
            /// [`VirtualClock`](crate::VirtualClock).
            #[must_use]
            pub fn clock(mut self, clock: impl ::access_tokens::Clock + 'static) -> Self {
                self.clock = ::std::sync::Arc::new(clock);
                self
            }

            /// Starts the twin.
            ///
            /// # Errors
            /// If the system gives no port or no thread.
            pub async fn start(self) -> ::std::io::Result<$twin> {
                // Nothing to wait for today; starting a service is something one awaits all the same.
                ::std::future::ready($start(self.clock, self.options)).await
            }
        }

        impl $twin {
            /// Starts a twin with the defaults.
            ///
            /// # Errors
            /// If the system gives no port or no thread.
            pub async fn start() -> ::std::io::Result<Self> {
                Self::builder().start().await
            }

            /// Sets up a twin.
            #[must_use]
            pub fn builder() -> Builder {
                Builder::new()
            }
        }
    };
}

/// A UUID of version 4.
pub(crate) fn random_uuid() -> String {
    let bytes = fastrand::u128(..).to_be_bytes();
    uuid::Builder::from_random_bytes(bytes)
        .into_uuid()
        .to_string()
}

/// The name that an operation has in JSON.
pub(crate) fn name<O: Operation>(operation: O) -> String {
    match serde_json::to_value(operation) {
        Ok(Value::String(name)) => name,
        _ => format!("{operation:?}"),
    }
}

/// Counts under the names that operations have in JSON.
pub(crate) fn named<O: Operation>(counts: BTreeMap<O, u64>) -> BTreeMap<String, u64> {
    counts.into_iter().map(|(key, n)| (name(key), n)).collect()
}

/// The operation that has this name in JSON.
pub(crate) fn operation<O: Operation>(name: &str) -> io::Result<O> {
    // The error names those that there are.
    serde_json::from_value(Value::from(name)).map_err(io::Error::other)
}

/// The settings of a twin: for each a field, its default and a method of the builder, which takes the
/// value or, where that is said, what it is made of.
macro_rules! settings {
    ($($(#[$doc:meta])* $name:ident: $type:ty = $default:expr $(, |$given:ident: $taken:ty| $value:expr)?;)+) => {
        #[derive(Debug)]
        pub(super) struct Options {
            $(pub(super) $name: $type,)+
        }

        impl Default for Options {
            fn default() -> Self {
                Self { $($name: $default,)+ }
            }
        }

        impl Builder {
            $(settings!(@method $(#[$doc])* $name: $type $(, |$given: $taken| $value)?);)+
        }
    };
    (@method $(#[$doc:meta])* $name:ident: $type:ty) => {
        settings!(@method $(#[$doc])* $name: $type, |value: $type| value);
    };
    (@method $(#[$doc:meta])* $name:ident: $type:ty, |$given:ident: $taken:ty| $value:expr) => {
        $(#[$doc])*
        #[must_use]
        pub fn $name(mut self, $given: $taken) -> Self {
            self.options.$name = $value;
            self
        }
    };
}

pub(crate) use {builder_methods, common_methods, settings};

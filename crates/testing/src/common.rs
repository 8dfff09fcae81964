//! What all twins offer, written once.

/// The methods that all twins have; the type must have a field `server`.
macro_rules! common_methods {
    ($twin:ty, $operation:ty) => {
        impl $twin {
            /// The address to give to a client: `http://127.0.0.1:PORT`, without a slash at the
            /// end.
            #[must_use]
            pub fn base_url(&self) -> String {
                self.server.base_url()
            }

            /// Everything that was received, in order; the newest 10,000 requests.
            #[must_use]
            pub fn requests(&self) -> Vec<$crate::Received> {
                self.server.requests()
            }

            /// Forgets what was received.
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

            /// Drops all rules of the fault script.
            pub fn clear_faults(&self) {
                self.server.script().clear();
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
    };
}

pub(crate) use common_methods;

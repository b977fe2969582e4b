//! The proxy of a contained server.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use sandgate_config::{Issue, Moment, Scalar, Server, Side};
use sandgate_egress::{ConnectionLog, Policy, Proxy};

use super::Planner;
use crate::given::Given;
use crate::warning::warning;

/// How far ahead the end of an audit may lie.
const LONGEST_AUDIT: Duration = Duration::from_secs(24 * 60 * 60);

impl<'a> Planner<'a> {
    /// The proxy of a contained server that may reach hosts; `None` if it may reach none.
    ///
    /// # Errors
    ///
    /// The audit's end lies too far ahead.
    pub(crate) fn egress(
        &self,
        name: &str,
        server: &Server,
        connections: &Arc<dyn ConnectionLog>,
        given: &Given,
        issues: &mut Vec<Issue>,
    ) -> Result<Option<Arc<Proxy>>, Issue> {
        let Some(egress) = &server.egress else {
            return Ok(None);
        };
        let policy = Policy {
            hosts: egress.hosts().iter().map(|host| host.0.clone()).collect(),
            audit_until: egress.audit_until(),
        };
        if let Some(until) = policy.audit_until {
            let place = format!("/servers/{name}/egress/audit-until");
            let now = SystemTime::now();
            if until > now + LONGEST_AUDIT {
                let hour = Moment(now + Duration::from_secs(60 * 60)).write();
                let why = "it is more than 24 hours ahead";
                let issue = self.loaded.error(&place, Side::Value, why);
                return Err(issue.help(format!("for an hour from now, write {hour:?}")));
            }
            let (why, help) = match policy.audits(now) {
                true => (
                    format!(
                        "until {} the server reaches every public host; what is not on its list is told as `audited`",
                        Moment(until).write()
                    ),
                    format!("`sandgate egress {name}` prints the list that it needed"),
                ),
                false => (
                    "the audit is over: the list alone counts".into(),
                    format!(
                        "take it out; `sandgate egress {name}` prints the list that the server needed"
                    ),
                ),
            };
            issues.push(warning(self.loaded, &place, why).help(help));
        }
        let mut proxy = Proxy::new(name, policy, connections.clone());
        if let Some(injector) = &given.injector {
            proxy = proxy.injecting(injector.clone());
        }
        Ok(Some(Arc::new(proxy)))
    }
}

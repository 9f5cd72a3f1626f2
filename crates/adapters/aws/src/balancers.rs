//! The [`Balancers`] port: load balancers of both generations, and Auto Scaling groups.

mod classic;
mod groups;
mod target_groups;

use async_trait::async_trait;
use fleetwright_model::{Answers, Cell, ErrorClass, Failure, InstanceId, Partial, Region, Text};
use fleetwright_ports::{Balancers, Member, PoolArn, Registration, ScalingGroup, Seat};

use crate::Aws;

#[async_trait]
impl Balancers for Aws {
    async fn pools(&self, cell: &Cell<'_>) -> Partial<PoolArn> {
        let mut whole = target_groups::list(self, cell).await;
        if whole.failure.is_none() {
            let part = classic::list(self, cell).await;
            whole.items.extend(part.items);
            whole.failure = part.failure;
        }
        whole
    }

    async fn registrations(&self, cell: &Cell<'_>, pools: &[PoolArn]) -> Partial<Registration> {
        let mut whole = Partial::complete(Vec::new());
        for pool in pools {
            let found = match classic_name(pool) {
                Some(name) => classic::registrations(self, cell, pool, name).await,
                None => target_groups::registrations(self, cell, pool).await,
            };
            match found {
                Ok(found) => whole.items.extend(found),
                // It was deleted; nothing is registered with it.
                Err(failure) if failure.class == ErrorClass::NotFound => {}
                Err(failure) => return Partial::broken_off(whole.items, failure),
            }
        }
        whole
    }

    async fn register(&self, cell: &Cell<'_>, pool: &PoolArn, seats: &[Seat]) -> Result<(), Failure> {
        match classic_name(pool) {
            _ if seats.is_empty() => Ok(()),
            Some(name) => classic::register(self, cell, name, seats).await,
            None => target_groups::register(self, cell, pool, seats).await,
        }
    }

    async fn deregister(&self, cell: &Cell<'_>, pool: &PoolArn, seats: &[Seat]) -> Result<(), Failure> {
        match classic_name(pool) {
            _ if seats.is_empty() => Ok(()),
            Some(name) => classic::deregister(self, cell, pool, name, seats).await,
            None => target_groups::deregister(self, cell, pool, seats).await,
        }
    }

    async fn members(&self, cell: &Cell<'_>, ids: &[InstanceId]) -> Answers<Member> {
        groups::members(self, cell, ids).await
    }

    async fn scaling_groups(&self, cell: &Cell<'_>, names: &[Text]) -> Partial<ScalingGroup> {
        groups::look_up(self, cell, names).await
    }

    async fn enter_standby(&self, cell: &Cell<'_>, group: &str, ids: &[InstanceId]) -> Result<(), Failure> {
        groups::enter_standby(self, cell, group, ids).await
    }

    async fn exit_standby(&self, cell: &Cell<'_>, group: &str, ids: &[InstanceId]) -> Result<(), Failure> {
        groups::exit_standby(self, cell, group, ids).await
    }

    async fn suspend(&self, cell: &Cell<'_>, group: &str, processes: &[Text]) -> Result<(), Failure> {
        groups::suspend(self, cell, group, processes).await
    }

    async fn resume(&self, cell: &Cell<'_>, group: &str, processes: &[Text]) -> Result<(), Failure> {
        groups::resume(self, cell, group, processes).await
    }
}

/// The ARN of a balancer of the first generation, which its API names by name alone.
/// Source: Service Authorization Reference, "Resource types defined by AWS Elastic Load Balancing".
fn classic_arn(cell: &Cell<'_>, name: &str) -> PoolArn {
    let (account, region): (_, &Region) = (&cell.zone.account, &cell.region);
    format!("arn:{}:elasticloadbalancing:{region}:{account}:loadbalancer/{name}", region.partition()).into()
}

/// What is changed, for the record: the pool and who is in it.
fn changed(pool: &str, seats: &[Seat]) -> Vec<Text> {
    std::iter::once(pool).chain(seats.iter().map(|seat| seat.host.as_str())).map(Text::from).collect()
}

/// The name in such an ARN; none where it is a target group's.
fn classic_name(arn: &str) -> Option<&str> {
    arn.split_once(":loadbalancer/").map(|(_, name)| name)
}

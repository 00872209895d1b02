//! ServiceProviderConfig, ResourceTypes and Schemas (RFC 7644 §4).

use crate::auth::Scope;
use crate::http::error::Result;
use crate::http::extract::{answer_type, parameter, principal, scim_caller, segment};
use crate::http::server::State;
use crate::scim::dialect::Leniency;
use crate::scim::discovery;
use crate::scim::error::{Fault, shortened};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};

/// The endpoints, by path below the base.
pub(super) const ENDPOINTS: [(&str, Endpoint); 6] = [
    ("/ServiceProviderConfig", Endpoint::ServiceProviderConfig),
    // As Microsoft's tests call it.
    ("/serviceConfiguration", Endpoint::ServiceProviderConfig),
    ("/ResourceTypes", Endpoint::ResourceTypes),
    ("/ResourceTypes/{name}", Endpoint::ResourceType),
    ("/Schemas", Endpoint::Schemas),
    ("/Schemas/{urn}", Endpoint::Schema),
];

/// One of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Endpoint {
    ServiceProviderConfig,
    ResourceTypes,
    ResourceType,
    Schemas,
    Schema,
}

impl Endpoint {
    /// Answers. Only ServiceProviderConfig is for anybody: it says how to authenticate. Sorting,
    /// paging and projection are ignored; a filter is refused, as the RFC demands.
    pub(super) async fn answer(
        self,
        request: HttpRequest,
        state: Data<State>,
    ) -> Result<HttpResponse> {
        let registry = if self == Self::ServiceProviderConfig {
            None
        } else {
            let principal = scim_caller(&request, &state, Scope::ScimRead).await?;
            Some(state.service.store().registry(principal.organization).await?)
        };
        if parameter(&request, "filter").is_some() {
            return Err(Fault::DiscoveryFilter.into());
        }
        let base = state.scim_base();
        let document = match (self, registry.as_deref()) {
            (Self::ServiceProviderConfig, _) | (_, None) => {
                let mut config = discovery::service_provider_config(&base, state.large_body_limit);
                // Anybody is told; whoever is known is told in the words of their dialect.
                let known = principal(&request, &state).await.ok();
                if known.is_some_and(|one| one.client.dialect.forgives(Leniency::PlainConfig))
                    && let Some(config) = config.as_object_mut()
                {
                    config.shift_remove("pagination");
                }
                config
            }
            (Self::ResourceTypes, Some(registry)) => discovery::lists(registry, &base).0,
            (Self::Schemas, Some(registry)) => discovery::lists(registry, &base).1,
            (Self::ResourceType, Some(registry)) => {
                let name = segment(&request, "name").unwrap_or_default();
                let kind = registry.named(&name).ok_or_else(|| Fault::NotFound {
                    kind: "ResourceType".to_owned(),
                    id: shortened(&name),
                })?;
                discovery::resource_type(kind, &base)
            }
            (Self::Schema, Some(registry)) => {
                let urn = segment(&request, "urn").unwrap_or_default();
                let schema = registry
                    .schemas()
                    .into_iter()
                    .find(|schema| schema.id.eq_ignore_ascii_case(&urn))
                    .ok_or_else(|| Fault::NotFound {
                        kind: "Schema".to_owned(),
                        id: shortened(&urn),
                    })?;
                discovery::schema(schema, &base)
            }
        };
        let answer_type = answer_type(request.headers());
        Ok(HttpResponse::Ok().content_type(answer_type).body(document.to_string()))
    }
}

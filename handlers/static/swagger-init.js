"use strict";

// With the session cookie, requests must repeat the XSRF cookie in a header.
function withXsrfToken(request) {
  const found = /(?:^|;\s*)_xsrf=([^;]*)/.exec(document.cookie);
  const ours = new URL(request.url, location.href).origin === location.origin;
  if (found && ours) {
    request.headers["X-XSRFToken"] = decodeURIComponent(found[1].replace(/^"|"$/g, ""));
  }
  return request;
}

// A page cannot set the session cookie, so Authorize asks for the key only.
function onlyTheKey(original) {
  return (state, ...args) => original(...args)?.filter((scheme) => scheme.has("bearer"));
}

const authorizeWithTheKey = () => ({
  statePlugins: {
    auth: {
      wrapSelectors: { definitionsToAuthorize: onlyTheKey, definitionsForRequirements: onlyTheKey },
    },
  },
});

window.ui = SwaggerUIBundle({
  url: "../openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  displayRequestDuration: true,
  persistAuthorization: false,
  tryItOutEnabled: true,
  validatorUrl: null,
  plugins: [authorizeWithTheKey],
  requestInterceptor: withXsrfToken,
});

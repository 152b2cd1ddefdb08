// Hands a form's passkey options to the browser and its answer to the form. Nothing else is sent.
(() => {
  const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
  const text = (buffer) =>
    btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  const described = (list) => (list || []).map((one) => ({ ...one, id: bytes(one.id) }));

  const make = async (options) => {
    const made = await navigator.credentials.create({
      publicKey: {
        ...options,
        challenge: bytes(options.challenge),
        user: { ...options.user, id: bytes(options.user.id) },
        excludeCredentials: described(options.excludeCredentials),
      },
    });
    return [made, { attestationObject: text(made.response.attestationObject) }];
  };

  const prove = async (options) => {
    const found = await navigator.credentials.get({
      publicKey: {
        ...options,
        challenge: bytes(options.challenge),
        allowCredentials: described(options.allowCredentials),
      },
    });
    const { authenticatorData, signature } = found.response;
    return [found, { authenticatorData: text(authenticatorData), signature: text(signature) }];
  };

  for (const form of document.querySelectorAll("form[data-passkey]")) {
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const said = form.querySelector("[role=alert]");
      said.hidden = true;
      try {
        const options = JSON.parse(form.dataset.options);
        const [one, response] = await (form.dataset.passkey === "create" ? make : prove)(options);
        response.clientDataJSON = text(one.response.clientDataJSON);
        form.elements.answer.value = JSON.stringify({
          id: one.id, rawId: text(one.rawId), type: one.type, response,
        });
        form.submit();
      } catch {
        said.textContent = "Your browser gave no passkey. Try again, or use a code from your phone.";
        said.hidden = false;
      }
    });
  }
})();

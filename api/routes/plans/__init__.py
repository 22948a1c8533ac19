"""Routes of the editor; the protocol is described in `docs/editor-protocol.md`."""

from __future__ import annotations

from api.routes.plans import drafts, edits, events, outcomes, remarks, review

#: Modules with a router.
MODULES = (drafts, edits, remarks, events, review, outcomes)

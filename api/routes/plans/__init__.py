"""Routes of the editor; `docs/editor-protocol.md` tells what they take and give."""

from __future__ import annotations

from api.routes.plans import drafts, edits, events, outcomes, remarks, review

#: Modules with a router.
MODULES = (drafts, edits, remarks, events, review, outcomes)

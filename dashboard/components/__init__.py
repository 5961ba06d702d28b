"""Drawing: each component draws one view-model. No service is called here, no page is left."""

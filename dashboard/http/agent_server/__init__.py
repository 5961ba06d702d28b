"""The part of LangGraph's Agent Server API that its clients need, carried out by the same services as `/api/v1`."""

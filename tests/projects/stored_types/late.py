from pydantic import BaseModel


class Late(BaseModel):
    text: str

class Abort(BaseException):
    """Not an Exception on purpose."""


raise Abort("not today")

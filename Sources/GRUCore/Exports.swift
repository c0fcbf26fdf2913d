// What a task asks of a model is part of this module's interface.
@_exported public import Tasks

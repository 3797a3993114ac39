"""The state database: a module for each table or two, over numbered migrations.

Each method is one transaction, unless it says otherwise; those that take `then` queue these jobs in
it. Methods named `get` raise NotFound when there is no such row.
"""

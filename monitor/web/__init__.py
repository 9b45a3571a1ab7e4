"""The review site: pages drawn on the server, plain forms, and one small script that none of them needs.

`app` puts it together; `security` guards every answer and `auth` says who asks; `pages` draws, with the words of
`texts` and the keys of `keys`; `server` listens. A page handler reads or writes through the steps and the store,
and never speaks SQL.
"""

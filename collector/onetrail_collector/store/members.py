"""The profile IDs of a profile, as a table for SQL: whoever asks for them asks here.

Most profile IDs are a profile of their own all their life, and a merge leaves the larger profile as
it is. So the index profile_ids_by_profile leaves out each ID whose number is its profile's, and a
merge of two such IDs writes one row of it. That ID is found by its number; the others by the index.

Each table has the columns id and profile, and belongs at the beginning of FROM: there SQLite reads
it row by row, as far as a LIMIT goes. Behind another table it would be made as a whole.
"""


def of_profile(number: str) -> str:
    """The IDs of one profile, `number` an expression; ORDER BY the id, if selected, is free."""
    return f"""(
        SELECT own.id, own.profile FROM profile_ids AS own
        WHERE own.id = {number} AND own.profile = {number}
        UNION ALL
        SELECT own.id, own.profile FROM profile_ids AS own
        WHERE own.profile = {number} AND own.profile <> own.id
    )"""


def of_profiles(numbers: str) -> str:
    """The IDs of each profile in a JSON list, which names none twice."""
    return f"""(
        SELECT own.id, own.profile FROM json_each({numbers}) AS asked
        CROSS JOIN profile_ids AS own ON own.id = asked.value AND own.profile = asked.value
        UNION ALL
        SELECT own.id, own.profile FROM json_each({numbers}) AS asked
        CROSS JOIN profile_ids AS own ON own.profile = asked.value AND own.profile <> own.id
    )"""


def oldest(number: str) -> str:
    """The number of a profile's oldest ID, as an expression."""
    return f"(SELECT id FROM {of_profile(number)} ORDER BY id LIMIT 1)"


PUBLIC_ID = f"""
(SELECT public_id FROM profile_ids AS same WHERE same.id = {oldest("profile_ids.profile")})
"""
"""The public id of the profile that holds a profile ID: that of its oldest."""

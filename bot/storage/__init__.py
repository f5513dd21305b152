"""All SQL of Pledge: the engine, the tables, their migrations and one repository per aggregate."""

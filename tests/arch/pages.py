"""Placeholder"""
def check(root):
    return []
